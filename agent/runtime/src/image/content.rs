//! containerd's content store: documents read, blobs written, labels set.

use super::manifest::{Descriptor, MAX_DOCUMENT};
use crate::connect::Shared;
use crate::rpc::{self, QUICK, RpcError, SLOW, Scope};
use containerd_client::services::v1::{
    AbortRequest, Info, ReadContentRequest, UpdateRequest, WriteAction, WriteContentRequest,
    WriteContentResponse,
};
use prost_types::FieldMask;
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::mpsc;
use tonic::Streaming;
use wharf_wait::{Wait, message, room};

/// Bytes sent in one message of a write.
pub(crate) const CHUNK: usize = 512 << 10;

/// Reads a whole document; content that is missing or too long for one is an error.
pub(crate) async fn read(shared: &Shared, digest: &str) -> Result<Vec<u8>, RpcError> {
    const READ: &str = "Content.Read";
    let too_long = || RpcError::Status {
        rpc: READ,
        code: tonic::Code::OutOfRange,
        message: format!("{digest} is longer than {MAX_DOCUMENT} bytes"),
    };
    let request = ReadContentRequest { digest: digest.to_owned(), offset: 0, size: 0 };
    let mut stream = rpc::call(READ, QUICK, shared.content().read(request)).await?;
    let mut document = Vec::new();
    loop {
        let part = Wait::named(READ).owner("containerd client").at_most(QUICK);
        let next = part.on(stream.message()).await;
        let next = next.map_err(|_| RpcError::Deadline { rpc: READ, after: QUICK })?;
        let Some(part) = next.map_err(|status| RpcError::new(READ, &status))? else { return Ok(document) };
        document.extend_from_slice(&part.data);
        if document.len() as u64 > MAX_DOCUMENT {
            return Err(too_long());
        }
    }
}

/// Writes a document that is already in memory. Content that is there already is content.
pub(crate) async fn put(
    shared: &Shared,
    scope: &Scope,
    descriptor: &Descriptor,
    bytes: &[u8],
    labels: &HashMap<String, String>,
) -> Result<(), RpcError> {
    if let Some(mut blob) = BlobWriter::open(shared, scope, descriptor).await? {
        let start = usize::try_from(blob.offset()).unwrap_or(usize::MAX).min(bytes.len());
        for chunk in bytes[start..].chunks(CHUNK) {
            blob.write(chunk.to_vec()).await?;
        }
        blob.commit(labels.clone()).await?;
    }
    set_labels(shared, scope, &descriptor.digest, labels).await
}

/// Adds labels to content; committing with labels is not enough, for the content may have been there before.
pub(crate) async fn set_labels(
    shared: &Shared,
    scope: &Scope,
    digest: &str,
    labels: &HashMap<String, String>,
) -> Result<(), RpcError> {
    if labels.is_empty() {
        return Ok(());
    }
    let paths = labels.keys().map(|key| format!("labels.{key}")).collect();
    let info = Info { digest: digest.to_owned(), labels: labels.clone(), ..Info::default() };
    let request = UpdateRequest { info: Some(info), update_mask: Some(FieldMask { paths }) };
    rpc::call("Content.Update", QUICK, shared.content_in(scope).update(request)).await.map(drop)
}

/// Throws a half-written blob away. The store may still be closing it, and cannot say so but by failing.
pub(crate) async fn abort(shared: &Shared, scope: &Scope, digest: &str) {
    const TRIES: u32 = 10;
    const PAUSE: Duration = Duration::from_millis(50);
    for _ in 0..TRIES {
        let request = AbortRequest { r#ref: reference(digest) };
        let answer = rpc::call("Content.Abort", QUICK, shared.content_in(scope).abort(request)).await;
        match rpc::found(answer) {
            Ok(_) => return,
            Err(error) => tracing::debug!(%error, digest, "half-written blob not thrown away yet"),
        }
        Wait::named("before the next try to throw a blob away").owner("containerd client").pause(PAUSE).await;
    }
}

/// A blob being written; one that was broken off goes on where it stopped.
#[derive(Debug)]
pub(crate) struct BlobWriter {
    requests: mpsc::Sender<WriteContentRequest>,
    answers: Streaming<WriteContentResponse>,
    offset: i64,
    total: i64,
    digest: String,
}

impl BlobWriter {
    const RPC: &'static str = "Content.Write";

    /// Opens a blob for writing; `None` when the store has it already.
    pub(crate) async fn open(
        shared: &Shared,
        scope: &Scope,
        descriptor: &Descriptor,
    ) -> Result<Option<Self>, RpcError> {
        // One message at a time: each is answered before the next, so more room would never be used.
        let (requests, receiver) = mpsc::channel(1);
        let first = WriteContentRequest {
            action: WriteAction::Stat.into(),
            r#ref: reference(&descriptor.digest),
            total: descriptor.size,
            expected: descriptor.digest.clone(),
            ..WriteContentRequest::default()
        };
        requests.try_send(first).expect("the channel is new and has room");
        let stream = futures_util::stream::unfold(receiver, async |mut receiver: mpsc::Receiver<_>| {
            let next =
                Wait::endless("the next part of a blob", "the writer has deadlines, and drops its end");
            next.of(message(&mut receiver)).await.map(|request| (request, receiver))
        });
        let mut content = shared.content_in(scope);
        let answers = match rpc::call(Self::RPC, QUICK, content.write(stream)).await {
            Err(error) if error.is_already_exists() => return Ok(None),
            other => other?,
        };
        let (total, digest) = (descriptor.size, descriptor.digest.clone());
        let mut writer = Self { requests, answers, offset: 0, total, digest };
        match writer.answer(QUICK).await {
            Err(error) if error.is_already_exists() => Ok(None),
            Err(error) => Err(error),
            Ok(status) => {
                writer.offset = status.offset;
                Ok(Some(writer))
            }
        }
    }

    /// Returns how many bytes the store has already.
    pub(crate) fn offset(&self) -> i64 {
        self.offset
    }

    /// Appends bytes, at most [`CHUNK`] of them.
    pub(crate) async fn write(&mut self, data: Vec<u8>) -> Result<(), RpcError> {
        let request = WriteContentRequest {
            action: WriteAction::Write.into(),
            offset: self.offset,
            data,
            ..WriteContentRequest::default()
        };
        self.send(request).await?;
        self.offset = self.answer(SLOW).await?.offset;
        Ok(())
    }

    /// Ends the blob; the store checks length and hash.
    pub(crate) async fn commit(mut self, labels: HashMap<String, String>) -> Result<(), RpcError> {
        let request = WriteContentRequest {
            action: WriteAction::Commit.into(),
            total: self.total,
            expected: self.digest.clone(),
            // Not zero: the store would take that for "start again".
            offset: self.offset,
            labels,
            ..WriteContentRequest::default()
        };
        self.send(request).await?;
        match self.answer(SLOW).await {
            Err(error) if error.is_already_exists() => Ok(()),
            other => other.map(drop),
        }
    }

    async fn send(&mut self, request: WriteContentRequest) -> Result<(), RpcError> {
        // A closed channel means that the stream has ended with a status: let `answer` tell which.
        let taken = Wait::named("a part of a blob to be taken").owner("containerd client").at_most(SLOW);
        let taken = taken.of(room(&self.requests, request)).await;
        if taken.map_err(|_| RpcError::Deadline { rpc: Self::RPC, after: SLOW })?.is_err() {
            self.answer(QUICK).await?;
        }
        Ok(())
    }

    async fn answer(&mut self, deadline: Duration) -> Result<WriteContentResponse, RpcError> {
        let ended = || RpcError::Status {
            rpc: Self::RPC,
            code: tonic::Code::Unavailable,
            message: "the stream ended early".to_owned(),
        };
        let wait = Wait::named(Self::RPC).owner("containerd client").at_most(deadline);
        match wait.on(self.answers.message()).await {
            Err(_) => Err(RpcError::Deadline { rpc: Self::RPC, after: deadline }),
            Ok(Err(status)) => Err(RpcError::new(Self::RPC, &status)),
            Ok(Ok(answer)) => answer.ok_or_else(ended),
        }
    }
}

/// Name of a blob while it is written: the same for everyone, so that a later try resumes it.
fn reference(digest: &str) -> String {
    format!("wharf-{digest}")
}

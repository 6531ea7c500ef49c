//! The transport: one request or one batch goes out, its answers come back, the kernel's explanation of an error is kept.
//!
//! The kernel answers before `send` returns, so a read that would wait long means that something is badly wrong; it ends after [`PATIENCE`].

use std::io;
use std::ops::Range;

use netlink_bindings::traits::{NetlinkChained, NetlinkRequest, Protocol};
use netlink_packet_core::{NLM_F_ACK, NLM_F_ACK_TLVS, NLM_F_DUMP_INTR, NLM_F_REQUEST, NlasIterator};
use netlink_sys::SocketAddr;
use nix::errno::Errno;
use nix::sys::socket::{setsockopt, sockopt::ReceiveTimeout};
use nix::sys::time::TimeVal;

use super::RequestError;

/// How long a read waits for the kernel, in seconds.
const PATIENCE: i64 = 10;
/// How often a list is asked for that changes while it is told.
const MAX_TELLINGS: usize = 5;
/// Bytes of a message header: length, type, flags, sequence, port.
const HEADER: usize = 16;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
/// The attribute of an error answer that holds the kernel's words.
const NLMSGERR_ATTR_MSG: u16 = 1;

/// A netlink socket of one family, in the namespace of the thread that opened it.
pub(crate) struct Socket {
    inner: netlink_sys::Socket,
    sequence: u32,
}

/// One message as received.
struct Message<'a> {
    kind: u16,
    flags: u16,
    sequence: u32,
    payload: &'a [u8],
}

impl Socket {
    /// Opens a socket for `protocol`, one of the constants in [`netlink_sys::protocols`].
    pub(crate) fn open(protocol: isize) -> Result<Self, RequestError> {
        let open = || -> io::Result<netlink_sys::Socket> {
            let mut socket = netlink_sys::Socket::new(protocol)?;
            socket.bind(&SocketAddr::new(0, 0))?;
            socket.set_ext_ack(true)?;
            socket.set_cap_ack(true)?; // error answers then start their explanation at a fixed place
            setsockopt(&socket, ReceiveTimeout, &TimeVal::new(PATIENCE, 0))?;
            Ok(socket)
        };
        Ok(Self { inner: open().map_err(RequestError::Socket)?, sequence: 1 })
    }

    /// Sends one request and returns the payloads of its answers, none for a mere acknowledgement.
    ///
    /// A list that changed while the kernel told it is asked for again, a few times: after that the last one has to do.
    pub(crate) fn ask(
        &mut self,
        kind: u16,
        flags: u16,
        payload: &[u8],
    ) -> Result<Vec<Vec<u8>>, RequestError> {
        let mut answers = Vec::new();
        for _ in 0..MAX_TELLINGS {
            let mut consistent = true;
            answers.clear();
            let sequence = self.send_request(kind, flags, payload)?;
            self.receive(sequence..sequence + 1, |message| {
                consistent &= message.flags & NLM_F_DUMP_INTR == 0;
                answers.push(message.payload.to_vec());
            })?;
            if consistent {
                break;
            }
        }
        Ok(answers)
    }

    fn send_request(&mut self, kind: u16, flags: u16, payload: &[u8]) -> Result<u32, RequestError> {
        let sequence = self.reserve(1);
        let length = u32::try_from(HEADER + payload.len()).expect("requests are far below 4 GiB");
        let mut message = Vec::with_capacity(HEADER + payload.len());
        message.extend(length.to_ne_bytes());
        message.extend(kind.to_ne_bytes());
        message.extend((flags | NLM_F_REQUEST | NLM_F_ACK).to_ne_bytes());
        message.extend(sequence.to_ne_bytes());
        message.extend([0; 4]);
        message.extend(payload);
        self.send(&message)?;
        Ok(sequence)
    }

    /// Sends one request of the generated bindings; see [`Self::ask`].
    pub(crate) fn ask_typed(&mut self, request: &impl NetlinkRequest) -> Result<Vec<Vec<u8>>, RequestError> {
        match request.protocol() {
            Protocol::Raw { request_type, .. } => self.ask(request_type, request.flags(), request.payload()),
            Protocol::Generic(_) => unreachable!("only raw netlink families are spoken here"),
        }
    }

    /// Sends a batch whose first and last message frame it, and waits until every message between is acknowledged.
    ///
    /// The frame itself is acknowledged by kernels from 6.10 on only, so its acknowledgements are not waited for; its errors count.
    pub(crate) fn commit(
        &mut self,
        batch: &impl NetlinkChained,
        sequences: Range<u32>,
    ) -> Result<(), RequestError> {
        self.send(batch.payload())?;
        self.receive(sequences, |_| ())
    }

    /// Takes `count` sequence numbers that no other request of this socket bears.
    pub(crate) fn reserve(&mut self, count: u32) -> u32 {
        let first = self.sequence;
        self.sequence += count;
        first
    }

    fn send(&self, bytes: &[u8]) -> Result<(), RequestError> {
        let sent = self.inner.send_to(bytes, &SocketAddr::new(0, 0), 0).map_err(RequestError::Socket)?;
        if sent == bytes.len() {
            Ok(())
        } else {
            Err(RequestError::Socket(io::Error::new(io::ErrorKind::WriteZero, "message cut short")))
        }
    }

    /// Reads until each expected message is acknowledged: the one of `sequences`, or all but the first and last of a longer range.
    fn receive(
        &self,
        sequences: Range<u32>,
        mut on_answer: impl FnMut(&Message<'_>),
    ) -> Result<(), RequestError> {
        let expected =
            if sequences.len() == 1 { sequences.clone() } else { sequences.start + 1..sequences.end - 1 };
        let mut open = expected.len();
        while open > 0 {
            let datagram = match self.inner.recv_from_full() {
                Ok((datagram, _)) => datagram,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(RequestError::Socket(error)),
            };
            let mut rest = datagram.as_slice();
            while let Some(message) = Message::take(&mut rest)? {
                if !sequences.contains(&message.sequence) {
                    continue; // a late answer to a request that was given up on
                }
                match message.kind {
                    NLMSG_ERROR | NLMSG_DONE => {
                        message.verdict()?;
                        open -= usize::from(expected.contains(&message.sequence));
                    }
                    _ => on_answer(&message),
                }
            }
        }
        Ok(())
    }
}

impl<'a> Message<'a> {
    /// Takes the next message off `rest`.
    fn take(rest: &mut &'a [u8]) -> Result<Option<Self>, RequestError> {
        let Some((header, _)) = rest.split_at_checked(HEADER) else { return Ok(None) };
        let half = |at: usize| u16::from_ne_bytes([header[at], header[at + 1]]);
        let word =
            |at: usize| u32::from_ne_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let length = word(0) as usize;
        let payload =
            rest.get(HEADER..length).ok_or_else(|| RequestError::Garbled("message too short".into()))?;
        let message = Self { kind: half(4), flags: half(6), sequence: word(8), payload };
        *rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Ok(Some(message))
    }

    /// Reads an acknowledgement: zero is success, anything else a negative errno with an explanation behind the echoed header.
    fn verdict(&self) -> Result<(), RequestError> {
        let code = self.payload.first_chunk::<4>().map_or(0, |bytes| i32::from_ne_bytes(*bytes));
        if code == 0 {
            return Ok(());
        }
        let echoed = if self.kind == NLMSG_ERROR { HEADER } else { 0 };
        let attributes = self.payload.get(4 + echoed..).filter(|_| self.flags & NLM_F_ACK_TLVS != 0);
        let explanation = NlasIterator::new(attributes.unwrap_or_default())
            .filter_map(Result::ok)
            .find(|attribute| attribute.kind() == NLMSGERR_ATTR_MSG)
            .map(|attribute| String::from_utf8_lossy(attribute.value()).trim_end_matches('\0').to_owned());
        Err(RequestError::Refused { errno: Errno::from_raw(-code), explanation })
    }
}

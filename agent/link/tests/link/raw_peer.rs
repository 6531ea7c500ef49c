//! A peer that speaks bytes: it accepts the websocket properly and then does whatever the test wants with the stream.

use crate::peer::within;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

pub struct RawPeer {
    listener: TcpListener,
}

impl RawPeer {
    pub async fn start() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.expect("a free port") }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.listener.local_addr().expect("a bound socket"))
    }

    /// The next connection, nothing of it read yet.
    pub async fn connection(&self) -> TcpStream {
        let (stream, _) = within("a connection", self.listener.accept()).await.expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        stream
    }

    /// The next connection and its upgrade request, which is not answered yet.
    pub async fn accept_request(&self) -> (TcpStream, Head) {
        read_request(self.connection().await).await
    }

    /// The next connection, its upgrade answered.
    pub async fn accept(&self) -> TcpStream {
        let (mut stream, head) = self.accept_request().await;
        stream.write_all(upgrade_answer(&head.websocket_key).as_bytes()).await.expect("an open connection");
        stream
    }
}

/// What is of interest in a request's head.
#[derive(Default)]
pub struct Head {
    pub first_line: String,
    /// Empty when it is not a websocket's.
    pub websocket_key: String,
}

/// Reads a request's head.
pub async fn read_request<S: AsyncRead + Unpin>(stream: S) -> (S, Head) {
    let mut reader = BufReader::new(stream);
    let mut head = Head::default();
    loop {
        let mut line = String::new();
        within("a header", reader.read_line(&mut line)).await.expect("a header");
        if head.first_line.is_empty() {
            head.first_line = line.trim().to_owned();
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("sec-websocket-key")
        {
            head.websocket_key = value.trim().to_owned();
        }
        if line.trim().is_empty() {
            return (reader.into_inner(), head);
        }
    }
}

/// The answer that opens the websocket.
pub fn upgrade_answer(key: &str) -> String {
    let accept = derive_accept_key(key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
}

/// The bytes of an unmasked text frame.
pub fn text_frame(text: &str) -> Vec<u8> {
    frame(0x81, text.as_bytes())
}

/// The bytes of an unmasked frame with this first byte.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..=125 => bytes.push(length as u8),
        length @ 126..=0xffff => {
            bytes.push(126);
            bytes.extend((length as u16).to_be_bytes());
        }
        length => {
            bytes.push(127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(payload);
    bytes
}

/// Waits until the agent closes the connection.
pub async fn until_closed(stream: &mut TcpStream) {
    let mut rest = [0; 4096];
    let closed = async { while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {} };
    within("the agent to close", closed).await;
}

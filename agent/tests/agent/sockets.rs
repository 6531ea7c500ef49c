//! The endpoints behind real sockets: who is asking, how often, how slowly, how badly.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use crate::fixture::{TASK_ID, feeds, task_arn};
use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use wharf_agent::endpoints::bucket::Rate;
use wharf_agent::endpoints::{Settings, TaskEndpoints};
use wharf_agent::http::Limits;

const OTHER: &str = "ffffffffffff4258975479cd04f2f9e8";
const DEADLINE: Duration = Duration::from_secs(10);

/// Two tasks, each with its endpoint.
struct Lab {
    endpoints: TaskEndpoints,
    own: SocketAddr,
    other: SocketAddr,
}

impl Lab {
    async fn open(settings: Settings) -> Self {
        let endpoints = TaskEndpoints::new(feeds(&[TASK_ID, OTHER]), settings);
        let own = serve(&endpoints, TASK_ID).await;
        let other = serve(&endpoints, OTHER).await;
        Self { endpoints, own, other }
    }
}

async fn serve(endpoints: &TaskEndpoints, id: &str) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    endpoints.open(task_arn(id), listener).await.unwrap();
    address
}

fn short(limit: Duration) -> Settings {
    Settings { limits: Limits { timeout: limit, ..Limits::default() }, ..Settings::default() }
}

/// Sends raw bytes and reads until the server closes.
async fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A server that has seen enough may close before all is written.
    let _ = stream.write_all(request).await;
    rest(&mut stream).await
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset after the answer is an end too: the server did not want to read the remainder of a bad request.
    let _ = timeout(DEADLINE, stream.read_to_end(&mut answer)).await.expect("the server closes in time");
    String::from_utf8_lossy(&answer).into_owned()
}

fn request(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: 169.254.170.2\r\nUser-Agent: tester\r\nConnection: close\r\n\r\n")
        .into_bytes()
}

async fn status(address: SocketAddr, path: &str) -> u16 {
    let answer = exchange(address, &request(path)).await;
    answer.split(' ').nth(1).unwrap_or_default().parse().unwrap_or_else(|_| panic!("no status in {answer:?}"))
}

/// Everything logged by this thread while it lives.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn capture() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().json().with_writer(move || writer.clone()).finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn lines(&self) -> Vec<serde_json::Value> {
        let bytes = self.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[tokio::test]
async fn a_task_reads_its_own_ids_and_gets_404_for_those_of_another_one() {
    let lab = Lab::open(Settings::default()).await;
    for (mine, theirs, address) in [(TASK_ID, OTHER, lab.own), (OTHER, TASK_ID, lab.other)] {
        for path in ["/v4/{}-main", "/v3/{}-main", "/v4/{}-main/task", "/v2/credentials/{}-role"] {
            assert_eq!(status(address, &path.replace("{}", mine)).await, 200, "{path} of {mine}");
            assert_eq!(
                status(address, &path.replace("{}", theirs)).await,
                404,
                "{path} of {theirs} for {mine}"
            );
        }
    }
    lab.endpoints.shutdown().await;
}

#[tokio::test]
async fn a_refusal_is_logged_with_both_tasks_and_without_a_secret() {
    let (log, _guard) = Log::capture();
    let lab = Lab::open(Settings::default()).await;
    status(lab.own, &format!("/v4/{OTHER}-main")).await;
    let lines = log.lines();
    let warning = lines.iter().find(|line| line["level"] == "WARN").expect("the refusal is logged");
    assert_eq!(warning["fields"]["task"], task_arn(TASK_ID).as_str());
    assert_eq!(warning["fields"]["owner"], task_arn(OTHER).as_str());
    status(lab.own, &format!("/v2/credentials/{TASK_ID}-role")).await;
    assert!(!format!("{:?}", log.lines()).contains("not-to-be-printed"));
}

#[tokio::test]
async fn each_request_of_credentials_is_in_the_audit_log() {
    let (log, _guard) = Log::capture();
    let lab = Lab::open(Settings::default()).await;
    status(lab.own, &format!("/v2/credentials/{TASK_ID}-role")).await;
    status(lab.own, "/v2/credentials/bad").await;
    status(lab.own, &format!("/v4/{TASK_ID}-main")).await;
    let lines = log.lines();
    let audit: Vec<_> =
        lines.iter().filter(|line| line["target"] == "audit").map(|line| &line["fields"]).collect();
    assert_eq!(audit.len(), 2, "{lines:?}");
    let granted = audit[0];
    assert_eq!((&granted["status"], &granted["event"]), (&200.into(), &"GetCredentials".into()));
    assert_eq!(granted["url"], format!("/v2/credentials/{TASK_ID}-role"));
    assert_eq!((&granted["user_agent"], &granted["cluster"]), (&"tester".into(), &"peer".into()));
    assert_eq!(granted["task"], task_arn(TASK_ID).as_str());
    assert!(granted["source"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert!(granted["container_instance"].as_str().unwrap().contains("container-instance/peer"));
    assert_eq!((&audit[1]["status"], &audit[1]["event"]), (&400.into(), &"".into()));
}

#[tokio::test]
async fn beyond_the_burst_a_task_gets_429_and_its_neighbour_does_not() {
    let rate = Rate { per_second: 1, burst: 5 };
    let lab = Lab::open(Settings { rate, ..Settings::default() }).await;
    let path = format!("/v4/{TASK_ID}-main");
    let mut codes = Vec::new();
    for _ in 0..12 {
        codes.push(status(lab.own, &path).await);
    }
    assert_eq!(codes[..5], [200; 5]);
    assert!(codes[5..].iter().filter(|code| **code == 429).count() >= 5, "{codes:?}");
    assert_eq!(status(lab.other, &format!("/v4/{OTHER}-main")).await, 200);
}

#[tokio::test]
async fn a_client_that_drips_its_request_is_cut_off() {
    let lab = Lab::open(short(Duration::from_millis(200))).await;
    let mut stream = TcpStream::connect(lab.own).await.unwrap();
    // A head without an end: it is never a whole request, and a limit that each byte extends would never cut it off.
    let head = format!("GET /v4/{TASK_ID}-main HTTP/1.1\r\nX-Slow: ");
    let endless = head.bytes().chain(std::iter::repeat(b'a'));
    let mut drip = tokio::time::interval(Duration::from_millis(20));
    let (mut reader, mut writer) = stream.split();
    let dripping = async {
        for byte in endless {
            drip.tick().await;
            if writer.write_all(&[byte]).await.is_err() {
                break;
            }
        }
        // The server has cut it off; what counts is what the reader sees.
        std::future::pending::<()>().await;
    };
    let reading = async {
        let mut answer = Vec::new();
        let _ = timeout(DEADLINE, reader.read_to_end(&mut answer)).await.expect("the server cuts it off");
        answer
    };
    // Cancel-safe: the test ends with the reader, the drip has no end.
    let answer = tokio::select! {
        () = dripping => unreachable!("the drip has no end"),
        answer = reading => answer,
    };
    assert!(!String::from_utf8_lossy(&answer).contains("200 OK"));
    assert_eq!(status(lab.own, &format!("/v4/{TASK_ID}-main")).await, 200);
}

#[tokio::test]
async fn an_idle_connection_is_cut_off_and_makes_room_for_the_next() {
    let limits = Limits { connections: 1, timeout: Duration::from_millis(200), ..Limits::default() };
    let lab = Lab::open(Settings { limits, ..Settings::default() }).await;
    let begun = Instant::now();
    let mut idle = TcpStream::connect(lab.own).await.unwrap();
    assert_eq!(status(lab.own, &format!("/v4/{TASK_ID}-main")).await, 200);
    assert!(begun.elapsed() >= limits.timeout, "two connections were served at a time");
    rest(&mut idle).await;
}

#[tokio::test]
async fn a_client_that_never_reads_is_cut_off() {
    let limits = Limits { timeout: Duration::from_millis(200), ..Limits::default() };
    let lab = Lab::open(Settings { limits, rate: Rate { per_second: 1_000_000, burst: 1_000_000 } }).await;
    let stream = TcpStream::connect(lab.own).await.unwrap();
    let (_unread, mut writer) = stream.into_split();
    let path = format!("/v4/{TASK_ID}-main/task");
    let one = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").repeat(100);
    // Answers fill the kernel's buffers, then the server's writes stall, then ours do, then the server hangs up.
    let flood = async { while writer.write_all(one.as_bytes()).await.is_ok() {} };
    timeout(DEADLINE, flood).await.expect("the server hangs up on a client that never reads");
    assert_eq!(status(lab.own, &path).await, 200);
}

#[tokio::test]
async fn malformed_and_oversized_requests_get_an_error_and_hurt_nobody() {
    let lab = Lab::open(short(Duration::from_millis(500))).await;
    let long = format!("GET /v4/x HTTP/1.1\r\nX-Long: {}\r\n\r\n", "a".repeat(20_000));
    assert!(exchange(lab.own, long.as_bytes()).await.starts_with("HTTP/1.1 431"), "oversized head");
    let many = format!("GET /v4/x HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(500));
    assert!(exchange(lab.own, many.as_bytes()).await.starts_with("HTTP/1.1 431"), "too many headers");
    let long_path = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(20_000));
    assert!(exchange(lab.own, long_path.as_bytes()).await.starts_with("HTTP/1.1 4"), "oversized path");
    for garbage in
        [&b"\0\0\0\0\r\n\r\n"[..], b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00", b"GET / HTTP/9.9\r\n\r\n", b""]
    {
        let answer = exchange(lab.own, garbage).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer:?}");
    }
    let posted = b"POST /v4/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n";
    assert!(exchange(lab.own, posted).await.starts_with("HTTP/1.1 405"), "a body that never comes");
    assert_eq!(status(lab.own, "/nothing/here").await, 404);
    assert_eq!(status(lab.own, &format!("/v4/{TASK_ID}-main")).await, 200);
}

#[tokio::test]
async fn a_closed_endpoint_is_closed_for_good_and_closing_twice_is_closing_once() {
    let lab = Lab::open(Settings::default()).await;
    lab.endpoints.close(&task_arn(TASK_ID)).await;
    lab.endpoints.close(&task_arn(TASK_ID)).await;
    assert!(TcpStream::connect(lab.own).await.is_err());
    assert_eq!(status(lab.other, &format!("/v4/{OTHER}-main")).await, 200);
    assert_eq!(lab.endpoints.tasks(), [task_arn(OTHER)]);
}

#[tokio::test]
async fn closing_does_not_wait_for_a_client_that_holds_on() {
    let limits = Limits { drain: Duration::from_millis(100), ..Limits::default() };
    let lab = Lab::open(Settings { limits, ..Settings::default() }).await;
    let mut stream = TcpStream::connect(lab.own).await.unwrap();
    stream.write_all(b"GET /v4/").await.unwrap();
    timeout(Duration::from_secs(2), lab.endpoints.close(&task_arn(TASK_ID)))
        .await
        .expect("closed within the drain time");
    rest(&mut stream).await;
}

#[tokio::test]
async fn opening_a_task_again_replaces_its_listener() {
    let lab = Lab::open(Settings::default()).await;
    let again = serve(&lab.endpoints, TASK_ID).await;
    assert!(TcpStream::connect(lab.own).await.is_err());
    assert_eq!(status(again, &format!("/v4/{TASK_ID}-main")).await, 200);
}

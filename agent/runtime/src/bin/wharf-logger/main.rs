//! The logger of one container: reads its two output pipes, writes Docker's json-file lines, rotates by size.
//!
//! containerd's shim starts it (`binary://`): descriptor 3 is the container's standard output, 4 its standard error, and
//! closing 5 says "ready". The shim is its parent, so it outlives the agent. It never makes the container wait for long: a
//! disk that is slow or full costs lines, which are counted, not the container. It ends when both pipes have ended.
//!
//! Arguments are pairs, in any order: `path <file>` (without it everything is discarded), `max-size <n>[k|m|g]`,
//! `max-file <n>`.

#![forbid(unsafe_code)]

mod lines;
mod pipe;
mod queue;
mod rotate;
mod settings;

use nix::sys::signal::{SigSet, Signal};
use queue::Queue;
use rotate::LogFile;
use settings::Settings;
use std::fs::File;
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use wharf_wait::Wait;

/// What is left to do after the shim has asked us to end; it kills us after 12 s.
const GRACE: Duration = Duration::from_secs(5);
/// Stacks of the threads: they hold one line at a time.
const STACK: usize = 64 << 10;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wharf-logger: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let settings = Settings::parse(std::env::args().skip(1));
    // Opened anew by way of /proc, since a number alone cannot be turned into a file without unsafe code.
    let (stdout, stderr) = (File::open("/proc/self/fd/3")?, File::open("/proc/self/fd/4")?);
    end_when_told()?;
    let queue = Arc::new(Queue::new(2));
    let readers = [("stdout", stdout), ("stderr", stderr)].map(|(stream, pipe)| {
        let queue = queue.clone();
        spawn(stream, move || pipe::read_lines(pipe, stream, &queue))
    });
    for descriptor in [3, 4, 5] {
        nix::unistd::close(descriptor)?;
    }
    let mut log = LogFile::new(settings);
    while let Some(batch) = queue.take() {
        log.write(&batch);
    }
    for reader in readers {
        let ended = Wait::endless("a reader to end", "the queue says that it is about to");
        ended.join(reader?).map_err(|_| io::Error::other("a reader panicked"))?;
    }
    Ok(())
}

/// The pipes may never end, when a process that left the container holds them: SIGTERM bounds the wait for that.
fn end_when_told() -> io::Result<()> {
    let mut terminate = SigSet::empty();
    terminate.add(Signal::SIGTERM);
    // Blocked in this thread before any other begins, so that all inherit it and only the waiter gets the signal.
    terminate.thread_block()?;
    spawn("signals", move || {
        if terminate.wait().is_ok() {
            Wait::named("the pipes to end").owner("logger").pause_thread(GRACE);
            std::process::exit(0);
        }
    })?;
    Ok(())
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<thread::JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).stack_size(STACK).spawn(work)
}

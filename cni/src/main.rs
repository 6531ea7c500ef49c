//! The `wharf-cni` plugin: the network of `wharf_cni` for any container runtime that speaks CNI 0.3.1 to 1.1.0.
//!
//! Only the answer goes to standard output. `wharf-cni --dry-run` with the environment of an ADD prints what the ADD would do.
#![forbid(unsafe_code)]

use std::io::{self, Read, Write};
use std::process::ExitCode;

use wharf_cni::plugin::{self, Answer, Environment, Failure, Version};

const ABOUT: &str = concat!(
    "wharf-cni ",
    env!("CARGO_PKG_VERSION"),
    ": a CNI plugin, run by a container runtime with CNI_COMMAND set and the network's configuration on standard input.\n",
    "CNI versions 0.3.1, 0.4.0, 1.0.0, 1.1.0. With --dry-run an ADD prints its plan and changes nothing.",
);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let dry_run = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--dry-run"] => true,
        _ => {
            eprintln!("{ABOUT}");
            return ExitCode::from(u8::from(arguments != ["--help"] && arguments != ["--version"]));
        }
    };
    let mut input = Vec::new();
    let read = io::stdin().read_to_end(&mut input);
    let answer = match read {
        Ok(_) => plugin::answer(&Environment::of_process(), &input, dry_run),
        Err(error) => Err(Failure::io("cannot read the configuration from standard input", &error)
            .speaking(Version::LATEST)),
    };
    let (text, code) = match answer {
        Ok(Answer::Nothing) => (String::new(), ExitCode::SUCCESS),
        Ok(Answer::Json(value)) => (format!("{value}\n"), ExitCode::SUCCESS),
        Ok(Answer::Plan(plan)) => (plan.to_string(), ExitCode::SUCCESS),
        Err(failure) => (format!("{failure}\n"), ExitCode::FAILURE),
    };
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => code,
        Err(_) => ExitCode::FAILURE,
    }
}

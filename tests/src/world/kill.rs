//! Agents that die where a test wants it.

use super::Host;
use anyhow::Result;
use std::os::unix::process::ExitStatusExt;

impl Host {
    /// Starts the agent, which aborts when it passes `point` for the `hit`th time.
    pub fn start_agent_to_die_at(&mut self, point: &str, hit: usize, url: &str) -> Result<()> {
        let mut command = self.agent_command();
        command.env("FAILPOINTS", format!("{point}={}*off->panic", hit - 1));
        self.log_read = self.agent_log().len();
        self.spawn_agent(command, url)
    }

    /// Reaps an agent that died at `point`; says what is the case otherwise.
    ///
    /// # Panics
    /// When it ended in another way.
    pub fn agent_died_at(&mut self, point: &str) -> Result<(), String> {
        let agent = self.agent.as_mut().expect("an agent was started");
        let Some(status) = agent.try_wait().expect("it is our child") else {
            return Err("it lives".to_owned());
        };
        self.agent = None;
        let log = self.agent_log().split_off(self.log_read);
        let aborted = status.signal() == Some(nix::libc::SIGABRT);
        assert!(
            aborted && log.contains(&format!("failpoint {point} panic")),
            "the agent ended with {status} and not at {point}"
        );
        Ok(())
    }
}

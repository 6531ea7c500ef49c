//! Rules of the machine, cheapest first, and the crash test.

mod build;
mod crash;
mod lifecycle;

//! The wish to stop, as everything that runs can see it.

use tokio::sync::watch;

/// Seen by those who are to stop.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<bool>);

/// Held by the one who decides.
#[derive(Debug)]
pub struct ShutdownTrigger(watch::Sender<bool>);

/// A wish not yet uttered, and the means to utter it.
#[must_use]
pub fn channel() -> (ShutdownTrigger, Shutdown) {
    let (sender, receiver) = watch::channel(false);
    (ShutdownTrigger(sender), Shutdown(receiver))
}

impl ShutdownTrigger {
    /// Asks everyone to stop.
    pub fn request(&self) {
        self.0.send_replace(true);
    }
}

impl Shutdown {
    /// Whether stopping has been asked for.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until stopping is asked for, or can no longer be asked for.
    pub async fn requested(&mut self) {
        let _ = self.0.wait_for(|requested| *requested).await;
    }
}

/// A shutdown that SIGTERM and SIGINT (Ctrl-C) ask for; a second Ctrl-C ends the process at once.
/// Needs a Tokio runtime.
///
/// # Errors
/// When the system does not let signals be handled.
pub fn on_signals() -> std::io::Result<Shutdown> {
    let (trigger, shutdown) = channel();
    let mut terminated = Terminated::new()?;
    tokio::spawn(async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            () = terminated.wait() => {}
        }
        trigger.request();
        let _ = tokio::signal::ctrl_c().await;
        std::process::exit(130);
    });
    Ok(shutdown)
}

/// SIGTERM, where there is such a thing.
#[cfg(unix)]
struct Terminated(tokio::signal::unix::Signal);

#[cfg(unix)]
impl Terminated {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::terminate()).map(Self)
    }

    async fn wait(&mut self) {
        self.0.recv().await;
    }
}

/// SIGTERM, where there is no such thing.
#[cfg(not(unix))]
struct Terminated;

#[cfg(not(unix))]
impl Terminated {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn wait(&mut self) {
        std::future::pending::<()>().await;
    }
}

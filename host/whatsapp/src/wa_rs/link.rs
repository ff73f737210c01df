//! One connection's life.
//!
//! A [`WaRsLink`] runs the engine's client until its connection is over. The engine's own coming
//! back is off: that is decided above. So is everything its keepalive would decide, which takes a
//! ping without an answer for a success; the server is asked from above instead.
//!
//! What holds about keys: before a stanza leaves, the key it used is stored. What does not: the
//! engine acknowledges a message before it has read it, so that a crash in between loses it.

use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ::wa_rs::Client;
use ::wa_rs_core::pair_code::{PairCodeError, PairCodeOptions, PairCodeUtils};
use async_trait::async_trait;
use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, interval, timeout};
use tokio_util::sync::CancellationToken;
use wacore::iq::devices::RemoveCompanionDeviceSpec;
use wacore::iq::keepalive::KeepaliveSpec;
use warbler_app::driver::{
    DriverError, Inbox, Link, LinkEnd, LinkReport, MediaFailure, Outgoing, PairingCode,
    People as _, SendFailure,
};
use warbler_domain::{Clock, PhoneNumber, Timestamp, WhatsAppId};
use whatsapp_rust::{IqError, anyhow};

use super::asking::asked;
use super::convert;
use super::engine::{Engine, Shelf};
use super::line::Line;
use super::people::Acquaintances;
use super::teller::Teller;
use crate::link::Pulse;
use crate::link::asking::refusal;
use crate::seats::Seat;
use crate::teller::report_to;

/// Longest wait for the engine to let go of its connection.
const LET_GO: Duration = Duration::from_secs(15);
/// Longest wait for a connection on which a pairing code can be asked for.
const SOCKET: Duration = Duration::from_secs(20);
/// Longest wait for the server's answer to a logout.
const LOGOUT: Duration = Duration::from_secs(15);
/// Longest time from the network's welcome until the engine says that it is connected. It may ask for
/// keys before.
const READY: Duration = Duration::from_secs(30);
/// Longest time from the last of what the network had kept until the engine says so. Nothing that
/// has an answer is between.
const LAST_STEPS: Duration = Duration::from_secs(1);
/// A part of [`SOCKET`].
const MOMENT: Duration = Duration::from_millis(100);
/// Longest wait for the engine to be through with its pairing when the connection is over.
const PAIRED: Duration = Duration::from_secs(5);
/// How often is looked whether the engine has given up without saying so.
const LOOK: Duration = Duration::from_secs(1);

/// When a login got how far.
#[derive(Default)]
struct Login {
    welcome: Option<Instant>,
    drained: Option<Instant>,
    told_to_go: bool,
}

/// One open link.
pub(super) struct WaRsLink {
    pub(super) client: Arc<Client>,
    pub(super) engine: Arc<Engine>,
    pub(super) inbox: Arc<dyn Inbox>,
    pub(super) people: Arc<Acquaintances>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) pulse: Arc<Pulse>,
    pub(super) line: Arc<Line>,
    /// The room that uploads of all sessions share.
    pub(super) uploads: Arc<Semaphore>,
    /// Whoever encrypts a message.
    pub(super) sending: Mutex<()>,
    /// Messages that were handed over.
    pub(super) confirm: mpsc::Sender<WhatsAppId>,
    /// Cancelled when somebody wants the link closed.
    pub(super) closing: CancellationToken,
    /// Cancelled when its connections must end.
    pub(super) cut: CancellationToken,
    /// Cancelled when the end has been reported.
    pub(super) ended: CancellationToken,
    pub(super) logging_out: AtomicBool,
}

impl WaRsLink {
    /// Lives the link's life; `seat` is given up just before the end is reported.
    pub(super) async fn live(self: Arc<Self>, teller: Teller, seat: Seat, shelf: Shelf) {
        let finish = teller.finish.clone();
        let telling = tokio::spawn(teller.run());
        let was_linked = self.client.get_pn().await.is_some();
        let logged_in = self.connect_once().await;
        self.cut.cancel();
        // It has acknowledged what it has not read yet.
        self.engine.vault.is_quiet().await;
        if !was_linked && self.client.get_pn().await.is_some() {
            // What the engine does last about its pairing would end the next connection.
            drop(timeout(PAIRED, self.line.pairing_told()).await);
        }
        if let (false, Some(account)) = (was_linked, self.people.account().await) {
            // The server may end the connection before the engine has told that it is paired.
            self.line.tell_paired(account);
        }
        let end = self.end(logged_in);
        self.engine.ears.set(None);
        finish.cancel();
        if telling.await.is_err() {
            tracing::error!("The task that stores what a link learns panicked");
        }
        self.people.save().await;
        self.engine.shut();
        self.people.keys.settle().await;
        if self.client.get_pn().await.is_some() {
            shelf.keep(&self.engine);
        }
        drop(seat);
        report_to(&*self.inbox, LinkReport::Ended(end)).await;
        self.ended.cancel();
    }

    /// Connects, and returns when the connection is over; whether it was logged in.
    async fn connect_once(&self) -> bool {
        self.client
            .enable_auto_reconnect
            .store(false, Ordering::Relaxed);
        let mut running = Box::pin(self.client.run());
        let mut looks = interval(LOOK);
        let before = self.engine.logged_in_at().await;
        let mut login = Login::default();
        let mut over = false;
        while !over {
            tokio::select! {
                () = &mut running => over = true,
                () = self.closing.cancelled() => break,
                () = self.cut.cancelled() => break,
                _ = looks.tick() => {
                    if self.has_given_up(&mut login).await {
                        break;
                    }
                }
            }
        }
        if !over {
            let letting_go = async {
                Box::pin(self.client.disconnect()).await;
                self.cut.cancel();
            };
            let both = async { tokio::join!(letting_go, running) };
            if timeout(LET_GO, both).await.is_err() {
                tracing::warn!("The engine did not let go of its connection in time");
            }
        }
        Box::pin(self.client.disconnect()).await;
        self.engine.logged_in_at().await != before
    }

    /// Looks whether the engine has given up without a word. It takes its own work on the connection
    /// for a connection that is gone.
    async fn has_given_up(&self, login: &mut Login) -> bool {
        if !self.client.is_logged_in() {
            // Told to go, and waits for the server to hang up, which says more when it happens.
            return login.welcome.is_some() && std::mem::replace(&mut login.told_to_go, true);
        }
        let welcome = *login.welcome.get_or_insert_with(Instant::now);
        if self.line.is_ready() {
            return false;
        }
        if self.line.is_drained() {
            let drained = *login.drained.get_or_insert_with(Instant::now);
            if drained.elapsed() >= LAST_STEPS {
                // The last step is to be shown as there; without it, nothing else is missing.
                drop(timeout(LAST_STEPS, self.set_online(true)).await);
                self.line.tell_connected();
            }
            return false;
        }
        let gave_up = welcome.elapsed() > READY;
        if gave_up {
            self.line.ends(LinkEnd::Lost {
                reason: "the engine did not finish logging in".to_owned(),
            });
        }
        gave_up
    }

    /// Waits for a connection, at most [`SOCKET`] long. The engine may miss that there is one while
    /// somebody uses it, and would then wait for the next.
    async fn has_socket(&self) -> bool {
        let looking = async { while self.client.wait_for_socket(MOMENT).await.is_err() {} };
        timeout(SOCKET, looking).await.is_ok()
    }

    fn end(&self, logged_in: bool) -> LinkEnd {
        if self.logging_out.load(Ordering::Acquire) {
            return LinkEnd::Closed;
        }
        let closing = self.closing.is_cancelled();
        match self.line.end() {
            // The connection ends in every way; closing it is one of them.
            Some(LinkEnd::Lost { .. }) if closing => LinkEnd::Closed,
            Some(LinkEnd::Lost { .. }) if self.line.was_paired() => LinkEnd::Restart,
            Some(end) => end,
            None if closing => LinkEnd::Closed,
            None if self.line.was_paired() => LinkEnd::Restart,
            None if self.line.was_offered() => LinkEnd::PairingExpired,
            None => match self.pulse.failure() {
                Some(reason) => LinkEnd::Lost { reason },
                None if logged_in => LinkEnd::Restart,
                None => LinkEnd::Lost {
                    reason: "the handshake with the server failed".to_owned(),
                },
            },
        }
    }

    /// Whether the network can be told and asked. The engine's own `is_connected` says no while
    /// somebody else looks at the connection.
    pub(super) fn is_up(&self) -> bool {
        self.client.is_logged_in()
    }

    /// An id for a question that wants one.
    pub(super) fn query_id(&self) -> String {
        format!("{}.w", self.clock.now().as_millis())
    }

    async fn shut(&self) {
        self.closing.cancel();
        self.ended.cancelled().await;
    }
}

#[async_trait]
impl Link for WaRsLink {
    async fn send(&self, message: &Outgoing) -> Result<(), SendFailure> {
        if !self.is_up() {
            return Err(SendFailure::NotConnected);
        }
        tokio::select! {
            biased;
            sent = self.send_message(message) => sent,
            // The engine would go on waiting for answers that cannot come any more.
            () = self.cut.cancelled() => Err(SendFailure::NotConnected),
        }
    }

    async fn request_pairing_code(&self, phone: &PhoneNumber) -> Result<PairingCode, DriverError> {
        if self.client.get_pn().await.is_some() {
            return Err(DriverError::AlreadyPaired);
        }
        if !self.has_socket().await {
            return Err(DriverError::Timeout(SOCKET));
        }
        let options = PairCodeOptions {
            phone_number: phone.as_str().to_owned(),
            ..PairCodeOptions::default()
        };
        match Box::pin(self.client.pair_with_code(options)).await {
            Ok(code) => Ok(PairingCode {
                code,
                valid_for: PairCodeUtils::code_validity(),
            }),
            Err(PairCodeError::RequestFailed(_)) if self.cut.is_cancelled() => {
                Err(DriverError::NotConnected)
            }
            Err(err) => Err(DriverError::Engine(err.to_string())),
        }
    }

    async fn fetch_media(&self, locator: &str, mut into: File) -> Result<(), MediaFailure> {
        let bytes = self.download(locator).await?;
        let written = spawn_blocking(move || into.write_all(&bytes)).await;
        let written = written.unwrap_or_else(|err| Err(err.into()));
        written.map_err(|err| MediaFailure::Temporary(err.to_string()))
    }

    async fn ping(&self, within: Duration) -> Result<(), DriverError> {
        let ping = KeepaliveSpec::with_timeout(within);
        match asked(&self.client, &ping, within).await {
            Ok(_) => Ok(()),
            Err(IqError::Timeout) => Err(DriverError::Timeout(within)),
            Err(err) => Err(refusal("server", &anyhow::Error::from(err))),
        }
    }

    fn last_heard(&self) -> Timestamp {
        Timestamp::from_millis(self.pulse.heard_at.load(Ordering::Relaxed))
    }

    async fn logout(&self) -> Result<(), DriverError> {
        let own = self.client.get_pn().await;
        let own = own.as_ref().and_then(convert::jid_in);
        let own = own.ok_or(DriverError::NotConnected)?;
        if !self.is_up() {
            return Err(DriverError::NotConnected);
        }
        self.logging_out.store(true, Ordering::Release);
        let spec = RemoveCompanionDeviceSpec::new(&own);
        let answer = asked(&self.client, &spec, LOGOUT).await;
        // The server may close the connection before it answers.
        let unlinked = matches!(self.line.end(), Some(LinkEnd::LoggedOut { .. }));
        if let (Err(err), false) = (answer, unlinked) {
            self.logging_out.store(false, Ordering::Release);
            return Err(refusal("account", &anyhow::Error::from(err)));
        }
        self.shut().await;
        Ok(())
    }

    async fn close(&self) {
        self.shut().await;
    }
}

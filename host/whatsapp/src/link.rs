//! One connection's life.
//!
//! A [`WhatsappLink`] owns one engine client, which connects once: the engine's own coming back is
//! off, because that is decided above. Its task runs the client, finds out why it ended, lets the
//! teller finish, makes keys durable, and reports the end, exactly once and last.
//!
//! What holds about keys: before a stanza leaves, the counters it used are on disk, one by one or
//! as part of a range the engine reserved and stored before, and so is what reading has changed
//! until then, the key of the ratchet that the stanza was written with among it ([`crate::wire`]).
//! After a crash the engine goes on behind the range, so no key is used twice, and whoever was
//! written to can read on. One-time keys are deleted only after the session made with them is on
//! disk.
//!
//! What does not hold: the engine writes the keys of all chats together, those of a message among
//! them that it has read and not yet handed over. A crash right then, a moment of microseconds unless
//! the machine is starved, would lose that message; it is recognised when the network brings it
//! again, and asked for again ([`crate::keys`], `lost.rs`), so that it arrives behind what came
//! meanwhile. And the session of a chat whose next message is being read is left out when keys are
//! written: an answer that leaves right then has its key on disk with the next writing.
//!
//! When a device asks for a message again, the engine acknowledges the question before the copy is on
//! its way, and nobody asks again: if the connection is lost in between, the next link sends it
//! ([`crate::retries`]); if the host is killed, the outbox sends what nobody received once more when
//! the session is next connected.

pub(crate) mod asking;
mod chats;
pub(crate) mod composing;
pub(crate) mod groups;
mod passkey;
pub(crate) mod people;
pub(crate) mod place;
mod polls;
mod sending;
mod uploading;

pub(crate) use uploading::UPLOADS;

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::FutureExt;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use wacore::iq::devices::RemoveCompanionDeviceSpec;
use wacore::iq::keepalive::KeepaliveSpec;
use wacore::pair_code::{PairCodeError, PairCodeOptions, PairCodeUtils};
use wacore::types::events::Subscription;
use warbler_app::driver::{
    DriverError, Inbox, Link, LinkEnd, LinkReport, MediaFailure, Outgoing, PairingCode,
    PasskeyAssertion, SendFailure,
};
use warbler_domain::{Clock, PhoneNumber, Timestamp};
use whatsapp_rust::client::NodeFilter;
use whatsapp_rust::download::DownloadParams;
use whatsapp_rust::pair_code::PairError;
use whatsapp_rust::store::commands::DeviceCommand;
use whatsapp_rust::{Client, ErrorChainExt, IqError};

use crate::calls::Calls;
use crate::events::Life;
use crate::inbound::Locator;
use crate::keys::Keys;
use crate::lines::Lines;
use crate::outbound;
use crate::seats::Seat;
use crate::tasks::Tasks;
use crate::teller::{self, Teller};

/// Longest wait for the engine to let go of its connection.
const LET_GO: Duration = Duration::from_secs(15);
/// Longest wait for a connection on which a pairing code can be asked for.
const SOCKET: Duration = Duration::from_secs(20);
/// Longest wait for the server's answer to a logout.
const LOGOUT: Duration = Duration::from_secs(15);

/// What the transport notes about a link.
pub(crate) struct Pulse {
    clock: Arc<dyn Clock>,
    pub(crate) heard_at: AtomicI64,
    pub(crate) was_connected: AtomicBool,
    failure: std::sync::Mutex<Option<String>>,
}

impl Pulse {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let heard_at = AtomicI64::new(clock.now().as_millis());
        Self {
            clock,
            heard_at,
            was_connected: AtomicBool::new(false),
            failure: Default::default(),
        }
    }

    /// The server has sent something.
    pub(crate) fn heard(&self) {
        self.heard_at
            .store(self.clock.now().as_millis(), Ordering::Relaxed);
    }

    /// There is a connection.
    pub(crate) fn connected(&self) {
        self.heard();
        self.was_connected.store(true, Ordering::Release);
    }

    /// There is none, for this reason.
    pub(crate) fn not_connected(&self, reason: &str) {
        let mut failure = self
            .failure
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        failure.get_or_insert_with(|| reason.to_owned());
    }

    pub(crate) fn failure(&self) -> Option<String> {
        self.failure
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .clone()
    }
}

/// One open link.
pub(crate) struct WhatsappLink {
    pub(crate) client: Arc<Client>,
    pub(crate) inbox: Arc<dyn Inbox>,
    pub(crate) keys: Keys,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) lines: Arc<Lines>,
    pub(crate) calls: Arc<Calls>,
    /// The room that uploads of all sessions share.
    pub(crate) uploads: Arc<Semaphore>,
    /// What the engine does beside the connection.
    pub(crate) tasks: Tasks,
    /// Cancelled when somebody wants the link closed.
    pub(crate) closing: CancellationToken,
    /// Cancelled when its connections must end.
    pub(crate) cut: CancellationToken,
    /// Cancelled when the end has been reported.
    pub(crate) ended: CancellationToken,
    pub(crate) logging_out: AtomicBool,
    /// Whether the session had an account when the link was opened.
    pub(crate) was_linked: bool,
}

impl WhatsappLink {
    /// Lives the link's life; `seat` is given up just before the end is reported.
    pub(crate) async fn live(
        self: Arc<Self>,
        teller: Teller,
        subscription: Subscription,
        seat: Seat,
    ) {
        let finish = teller.finish.clone();
        // Every stanza is looked at: some are for the engine alone, some say more than the engine's
        // events, and some must be asked for again.
        let _watch = self.client.acquire_raw_node_forwarding();
        let telling = tokio::spawn(teller.run());
        let last_words = self.client.wait_for_node(NodeFilter::tag("stream:error"));
        self.connect_once().await;
        self.cut.cancel();
        if let (false, Some(account)) = (self.was_linked, teller::account(&self.client)) {
            // The server may end the connection before the engine has told that it is paired.
            self.lines.life(Life::Paired(account));
        }
        let stream_error = last_words.now_or_never().and_then(Result::ok).map(|node| {
            let code = node.get_attr("code").map(|code| code.as_str().into_owned());
            code.unwrap_or_default()
        });
        let end = self.end(stream_error.as_deref());
        if self.handshake_failed() {
            self.forget_server_key().await;
        }
        drop(subscription);
        finish.cancel();
        if telling.await.is_err() {
            tracing::error!("The task that stores what a link learns panicked");
        }
        self.store_device().await;
        self.tasks.end().await;
        self.keys.settle().await;
        drop(seat);
        teller::report_to(&*self.inbox, LinkReport::Ended(end)).await;
        self.ended.cancel();
    }

    /// Connects, and returns when the connection is over and the engine has stored its state.
    async fn connect_once(&self) {
        self.client
            .enable_auto_reconnect
            .store(false, Ordering::Relaxed);
        {
            let mut running = Box::pin(self.client.run());
            tokio::select! {
                () = &mut running => {}
                () = self.closing.cancelled() => {
                    // Side by side: the engine may be tidying up after a lost connection at this
                    // moment, and each then waits for the other.
                    let letting_go = async {
                        self.keys.intake().all_acknowledged().await;
                        Box::pin(self.client.disconnect()).await;
                        self.cut.cancel();
                    };
                    let over = async { tokio::join!(letting_go, running) };
                    if timeout(LET_GO, over).await.is_err() {
                        tracing::warn!("The engine did not let go of its connection in time");
                    }
                }
            }
        }
        Box::pin(self.client.disconnect()).await;
    }

    fn end(&self, stream_error: Option<&str>) -> LinkEnd {
        let told = self.lines.end();
        if self.logging_out.load(Ordering::Acquire) {
            return LinkEnd::Closed;
        }
        match told {
            Some(LinkEnd::Lost { reason }) => match stream_error {
                Some("515") => LinkEnd::Restart,
                _ if self.closing.is_cancelled() => LinkEnd::Closed,
                Some(code) => LinkEnd::Lost {
                    reason: format!("stream error {code}: {reason}"),
                },
                None => LinkEnd::Lost { reason },
            },
            Some(end) => end,
            None if self.closing.is_cancelled() => LinkEnd::Closed,
            None if stream_error == Some("515") || self.lines.was_paired() => LinkEnd::Restart,
            None => LinkEnd::Lost {
                reason: self.silent_reason(stream_error),
            },
        }
    }

    fn silent_reason(&self, stream_error: Option<&str>) -> String {
        if let Some(failure) = self.pulse.failure() {
            return failure;
        }
        match stream_error {
            Some(code) => format!("stream error {code}"),
            None if self.handshake_failed() => "the handshake with the server failed".to_owned(),
            None => "the server was silent, or no connection could be prepared".to_owned(),
        }
    }

    /// Whether there was a connection on which not one frame could be read.
    fn handshake_failed(&self) -> bool {
        let connected = self.pulse.was_connected.load(Ordering::Acquire);
        connected && self.client.stats().frames_received == 0
    }

    /// Stores the device record as it is now, whether or not the engine thinks it has.
    async fn store_device(&self) {
        let device = self.client.persistence_manager();
        device.modify_device(|_| ()).await;
        if let Err(err) = device.flush().await {
            tracing::error!(%err, "The device record of a session could not be stored");
        }
    }

    /// The short handshake relies on a stored key of the server; the next one is to be a full one.
    async fn forget_server_key(&self) {
        let device = self.client.persistence_manager();
        device
            .process_command(DeviceCommand::ClearServerCertChain)
            .await;
    }

    fn is_up(&self) -> bool {
        self.client.is_connected() && self.client.is_logged_in()
    }

    async fn shut(&self) {
        self.closing.cancel();
        self.ended.cancelled().await;
    }
}

#[async_trait]
impl Link for WhatsappLink {
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
        if self.client.pn().is_some() {
            return Err(DriverError::AlreadyPaired);
        }
        let ready = self.client.wait_for_socket(SOCKET).await;
        ready.map_err(|_| DriverError::Timeout(SOCKET))?;
        let options = || PairCodeOptions {
            phone_number: phone.as_str().to_owned(),
            ..PairCodeOptions::default()
        };
        let asked = match Box::pin(self.client.pair_with_code(options())).await {
            // Somebody wants another code, perhaps for another number: the old one is void.
            Err(PairError::PairCode(PairCodeError::CodeAlreadyOutstanding { .. })) => {
                self.client.cancel_pair_code().await;
                Box::pin(self.client.pair_with_code(options())).await
            }
            asked => asked,
        };
        match asked {
            Ok(code) => Ok(PairingCode {
                code,
                valid_for: PairCodeUtils::code_validity(),
            }),
            Err(PairError::RequestFailed(err)) => Err(refused(&err, SOCKET)),
            Err(err) => Err(DriverError::Engine(err.to_string())),
        }
    }

    async fn answer_passkey(&self, answer: PasskeyAssertion) -> Result<(), DriverError> {
        self.send_passkey(answer).await
    }

    async fn confirm_passkey(&self) -> Result<(), DriverError> {
        self.finish_passkey().await
    }

    async fn fetch_media(&self, locator: &str, into: File) -> Result<(), MediaFailure> {
        let at: Locator = serde_json::from_str(locator).map_err(|_| MediaFailure::BadLocator)?;
        let params = DownloadParams::encrypted(
            at.path,
            &at.key,
            &at.sha256,
            &at.enc_sha256,
            at.size,
            outbound::media_type(at.kind),
        );
        let fetching = self.client.download_from_params_to_writer(&params, into);
        let fetched = Box::pin(fetching).await;
        fetched
            .map(drop)
            .map_err(|err| uploading::media_failure(&err))
    }

    async fn ping(&self, within: Duration) -> Result<(), DriverError> {
        let asked = Box::pin(self.client.execute(KeepaliveSpec::with_timeout(within)));
        match timeout(within, asked).await {
            Err(_) => Err(DriverError::Timeout(within)),
            Ok(answer) => answer.map_err(|err| refused(&err, within)),
        }
    }

    fn last_heard(&self) -> Timestamp {
        Timestamp::from_millis(self.pulse.heard_at.load(Ordering::Relaxed))
    }

    async fn logout(&self) -> Result<(), DriverError> {
        let own = self.client.pn().ok_or(DriverError::NotConnected)?;
        if !self.is_up() {
            return Err(DriverError::NotConnected);
        }
        self.logging_out.store(true, Ordering::Release);
        let asked = Box::pin(self.client.execute(RemoveCompanionDeviceSpec::new(&own)));
        let answer = match timeout(LOGOUT, asked).await {
            Err(_) => Err(DriverError::Timeout(LOGOUT)),
            Ok(answer) => answer.map_err(|err| refused(&err, LOGOUT)),
        };
        // The server may close the connection before it answers.
        let unlinked = matches!(self.lines.end(), Some(LinkEnd::LoggedOut { .. }));
        if answer.is_err() && !unlinked {
            self.logging_out.store(false, Ordering::Release);
            return answer;
        }
        self.shut().await;
        Ok(())
    }

    async fn close(&self) {
        self.shut().await;
    }
}

fn refused(error: &IqError, within: Duration) -> DriverError {
    if error.is_transport_unavailable() {
        return DriverError::NotConnected;
    }
    match error {
        IqError::Timeout => DriverError::Timeout(within),
        error => DriverError::Engine(error.to_string()),
    }
}

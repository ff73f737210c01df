//! The task that keeps one session connected.
//!
//! It opens a link, follows its reports, and when the link ends decides whether and when to open
//! the next one: at once after a restart the server asked for, with growing, jittered pauses after
//! a loss, never after a logout or a takeover. A link that says it is connected and is not is
//! found by asking the server for a sign of life.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::Instant;
use tracing::{debug, error, info, warn};
use warbler_domain::session::{Account, Signal};
use warbler_domain::{EventBody, Session, SessionId, SessionState};

use super::directory::Supervised;
use super::inbox::{REPORTS, SessionInbox};
use super::{PairingQr, PasskeyStep, SessionError, engine_of, status_event};
use crate::core::Shared;
use crate::driver::{Link, LinkEnd, LinkReport};

/// Commands that may wait.
const COMMANDS: usize = 8;
/// Restarts in a row that are taken for the server's wish; after that they are a loss.
const RESTARTS: u32 = 3;

/// What a supervisor can be told. Each is answered when the supervisor has ended.
pub(crate) enum Command {
    /// Close the link.
    Stop(oneshot::Sender<()>),
    /// End the link with the account, then close.
    Logout(oneshot::Sender<()>),
}

/// Starts the supervisor of a session that has none.
pub(super) fn spawn(shared: &Arc<Shared>, session: SessionId) {
    let (sender, commands) = mpsc::channel(COMMANDS);
    if !shared.directory.enter(session, Supervised::new(sender)) {
        return;
    }
    let supervisor = Supervisor {
        shared: Arc::clone(shared),
        session,
        commands,
        failures: 0,
        restarts: 0,
        pairing_until: None,
    };
    shared.tasks.spawn(supervisor.run());
}

/// Moves a session by `signal`, if that means something where it stands.
pub(super) async fn move_on(
    shared: &Arc<Shared>,
    session: SessionId,
    signal: Signal,
    reason: Option<&str>,
) -> Result<(), SessionError> {
    let found = shared
        .store
        .read(move |db| db.sessions().get(session))
        .await?;
    let Some(found) = found else {
        return Ok(());
    };
    match found.state.after(signal) {
        Some(next) => set_state(shared, &found, next, reason).await,
        None => Ok(()),
    }
}

/// Puts a session into `state`, whatever it was: for a host that starts.
pub(super) async fn force(
    shared: &Arc<Shared>,
    session: &Session,
    state: SessionState,
    reason: &str,
) -> Result<(), SessionError> {
    set_state(shared, session, state, Some(reason)).await
}

/// Says why a session is where it is, without moving it.
async fn explain(
    shared: &Arc<Shared>,
    session: SessionId,
    reason: &str,
) -> Result<(), SessionError> {
    let found = shared
        .store
        .read(move |db| db.sessions().get(session))
        .await?;
    match found {
        Some(found) => set_state(shared, &found, found.state, Some(reason)).await,
        None => Ok(()),
    }
}

/// Forgets the link with the phone: keys and account.
pub(super) async fn unlink(
    shared: &Arc<Shared>,
    session: SessionId,
    reason: &str,
) -> Result<(), SessionError> {
    engine_of(shared, session).await?.forget(session).await?;
    set_account(shared, session, None).await?;
    crate::outbox::unlinked(shared, session)
        .await
        .map_err(SessionError::Store)?;
    let found = shared
        .store
        .read(move |db| db.sessions().get(session))
        .await?;
    match found {
        Some(found) if found.state != SessionState::LoggedOut => {
            set_state(shared, &found, SessionState::LoggedOut, Some(reason)).await
        }
        _ => Ok(()),
    }
}

async fn set_state(
    shared: &Arc<Shared>,
    session: &Session,
    state: SessionState,
    reason: Option<&str>,
) -> Result<(), SessionError> {
    let event = crate::ingest::new_event(
        shared,
        session.id,
        status_event(session.state, state, reason),
    );
    let (id, at, why) = (session.id, event.at, reason.map(str::to_owned));
    let done = !crate::ingest::is_wanted(shared, &event);
    let seq = shared
        .store
        .write(move |tx| {
            tx.sessions_mut().set_state(id, state, why.as_deref(), at)?;
            tx.events_mut().insert(&event, done)
        })
        .await
        .map_err(SessionError::Store)?;
    info!(session.id = %id, reason, "Session {} is {state}", session.name);
    if let Some(seq) = seq {
        crate::ingest::announce(shared, seq);
    }
    Ok(())
}

async fn set_account(
    shared: &Arc<Shared>,
    session: SessionId,
    account: Option<Account>,
) -> Result<(), SessionError> {
    shared.directory.set_account(session, account.clone());
    let written = shared
        .store
        .write(move |tx| tx.sessions_mut().set_account(session, account.as_ref()))
        .await;
    written.map_err(SessionError::Store)
}

struct Supervisor {
    shared: Arc<Shared>,
    session: SessionId,
    commands: mpsc::Receiver<Command>,
    failures: u32,
    restarts: u32,
    pairing_until: Option<Instant>,
}

/// How the life of one link ended, for the supervisor.
enum Ending {
    Link(LinkEnd),
    Command(Command),
    HostStops,
}

/// What follows the end of a link.
enum Next {
    Open,
    Pause(Duration),
    End,
}

impl Supervisor {
    async fn run(mut self) {
        let answer = self.keep_connected().await;
        self.shared.directory.leave(self.session);
        let waits = answer.map(|answer| answer.send(()));
        if let Some(Err(())) = waits {
            debug!(session.id = %self.session, "Nobody waits for the end of the session any more");
        }
    }

    async fn keep_connected(&mut self) -> Option<oneshot::Sender<()>> {
        loop {
            let next = match self.one_link().await {
                Ending::HostStops => return None,
                Ending::Command(Command::Stop(answer) | Command::Logout(answer)) => {
                    return Some(answer);
                }
                Ending::Link(end) => match self.after(end).await {
                    Ok(next) => next,
                    Err(err) => {
                        error!(session.id = %self.session, %err, "The session's state could not be stored");
                        Next::Pause(self.shared.settings.reconnect_first)
                    }
                },
            };
            let pause = match next {
                Next::Open => continue,
                Next::End => return None,
                Next::Pause(pause) => pause,
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.shared.stop.cancelled() => return None,
                command = self.commands.recv() => return match command {
                    Some(Command::Stop(answer) | Command::Logout(answer)) => Some(answer),
                    None => None,
                },
            }
        }
    }

    /// Opens a link and follows it to its end.
    async fn one_link(&mut self) -> Ending {
        let connecting = Arc::clone(&self.shared.directory.connecting);
        let mut slot = tokio::select! {
            slot = connecting.acquire_owned() => slot.ok(),
            () = self.shared.stop.cancelled() => return Ending::HostStops,
            Some(command) = self.commands.recv() => return Ending::Command(command),
        };
        let (sender, mut reports) = mpsc::channel(REPORTS);
        let inbox = SessionInbox {
            shared: Arc::clone(&self.shared),
            session: self.session,
            reports: sender,
        };
        let opened = match engine_of(&self.shared, self.session).await {
            Ok(engine) => engine
                .open(self.session, Arc::new(inbox))
                .await
                .map_err(SessionError::Driver),
            Err(err) => Err(err),
        };
        let link = match opened {
            Ok(link) => link,
            Err(err) => {
                return Ending::Link(LinkEnd::Lost {
                    reason: err.to_string(),
                });
            }
        };
        self.shared
            .directory
            .set_link(self.session, Some(Arc::clone(&link)));
        let ending = self.follow(&link, &mut reports, &mut slot).await;
        self.shared.directory.set_offer(self.session, None);
        self.shared.directory.set_link(self.session, None);
        if let Ending::Command(Command::Logout(_)) = &ending
            && self.is_linked()
            && let Err(err) = link.logout().await
        {
            warn!(session.id = %self.session, %err, "The server was not told of the logout");
        }
        link.close().await;
        if let Err(err) = crate::outbox::disconnected(&self.shared, self.session).await {
            warn!(session.id = %self.session, %err, "The end of a link could not be noted");
        }
        ending
    }

    fn is_linked(&self) -> bool {
        let identity = self.shared.directory.identity(self.session);
        identity.is_some_and(|(_, account)| account.is_some())
    }

    async fn follow(
        &mut self,
        link: &Arc<dyn Link>,
        reports: &mut mpsc::Receiver<LinkReport>,
        slot: &mut Option<OwnedSemaphorePermit>,
    ) -> Ending {
        let silence = self.shared.settings.silence;
        let mut watchdog = tokio::time::interval_at(Instant::now() + silence, silence);
        let mut connected = false;
        loop {
            tokio::select! {
                report = reports.recv() => match report {
                    None => return Ending::Link(LinkEnd::Lost { reason: "the engine has ended".to_owned() }),
                    Some(LinkReport::Ended(end)) => return Ending::Link(end),
                    Some(report) => {
                        connected |= matches!(report, LinkReport::Connected(_));
                        if matches!(report, LinkReport::Connected(_) | LinkReport::PairingQr { .. }) {
                            slot.take();
                        }
                        if let Err(err) = self.note(report).await {
                            return Ending::Link(LinkEnd::Lost { reason: err.to_string() });
                        }
                    }
                },
                Some(command) = self.commands.recv() => return Ending::Command(command),
                () = self.shared.stop.cancelled() => return Ending::HostStops,
                _ = watchdog.tick() => {
                    if let Some(reason) = self.dead(link, connected).await {
                        return Ending::Link(LinkEnd::Lost { reason });
                    }
                }
                () = until(self.pairing_until) => return Ending::Link(LinkEnd::PairingExpired),
            }
        }
    }

    /// Whether the link is dead, and how that shows.
    async fn dead(&self, link: &Arc<dyn Link>, connected: bool) -> Option<String> {
        let silent = self.shared.clock.now().since(link.last_heard());
        if silent < self.shared.settings.silence {
            return None;
        }
        if !connected && self.pairing_until.is_some() {
            return None;
        }
        if !connected {
            return Some(format!("not connected within {} s", silent.as_secs()));
        }
        match link.ping(self.shared.settings.ping_timeout).await {
            Ok(()) => None,
            Err(err) => Some(format!("no sign of life for {} s: {err}", silent.as_secs())),
        }
    }

    async fn note(&mut self, report: LinkReport) -> Result<(), SessionError> {
        match report {
            LinkReport::PairingQr { text, valid_for } => self.offer(text, valid_for).await,
            LinkReport::Paired(account) => {
                self.pairing_until = None;
                self.shared.directory.set_offer(self.session, None);
                self.shared.directory.set_passkey(self.session, None);
                info!(session.id = %self.session, account = account.jid.masked(), "The phone has linked the session");
                set_account(&self.shared, self.session, Some(account)).await
            }
            LinkReport::PasskeyAsked { options } => {
                info!(session.id = %self.session, "WhatsApp asks for a passkey before it links the session");
                let step = PasskeyStep::Asked { options };
                self.shared.directory.set_passkey(self.session, Some(step));
                explain(
                    &self.shared,
                    self.session,
                    "WhatsApp asks for a passkey of the account",
                )
                .await
            }
            LinkReport::PasskeyCode { code } => {
                let step = PasskeyStep::Compare { code };
                self.shared.directory.set_passkey(self.session, Some(step));
                explain(
                    &self.shared,
                    self.session,
                    "the phone shows a code to be compared",
                )
                .await
            }
            LinkReport::PairingFailed { reason } => {
                self.shared.directory.set_passkey(self.session, None);
                warn!(session.id = %self.session, reason, "Pairing failed");
                explain(&self.shared, self.session, &reason).await
            }
            LinkReport::Connected(account) => {
                self.pairing_until = None;
                self.failures = 0;
                self.restarts = 0;
                set_account(&self.shared, self.session, Some(account)).await?;
                // What was under way on an earlier link is free before the first message takes this
                // one; and the link is there before the state says so, for whoever sees the state.
                crate::outbox::connected(&self.shared, self.session)
                    .await
                    .map_err(SessionError::Store)?;
                self.shared.directory.set_ready(self.session, true);
                move_on(&self.shared, self.session, Signal::Connected, None).await?;
                crate::outbox::wake(&self.shared);
                Ok(())
            }
            LinkReport::Ack { .. } | LinkReport::Ended(_) => Ok(()),
        }
    }

    async fn offer(&mut self, text: String, valid_for: Duration) -> Result<(), SessionError> {
        let window = self.shared.settings.pairing_window;
        self.pairing_until
            .get_or_insert_with(|| Instant::now() + window);
        let expires_at = self.shared.clock.now().plus(valid_for);
        move_on(&self.shared, self.session, Signal::PairingOffered, None).await?;
        self.shared
            .directory
            .set_offer(self.session, Some(PairingQr { text, expires_at }));
        let event = crate::ingest::new_event(
            &self.shared,
            self.session,
            EventBody::SessionQr { expires_at },
        );
        let done = !crate::ingest::is_wanted(&self.shared, &event);
        let stored = self
            .shared
            .store
            .write_relaxed(move |tx| tx.events_mut().insert(&event, done))
            .await;
        if let Some(seq) = stored.map_err(SessionError::Store)? {
            crate::ingest::announce(&self.shared, seq);
        }
        Ok(())
    }

    async fn after(&mut self, end: LinkEnd) -> Result<Next, SessionError> {
        match end {
            LinkEnd::Closed => Ok(Next::End),
            LinkEnd::Restart if self.restarts < RESTARTS => {
                self.restarts += 1;
                Ok(Next::Open)
            }
            LinkEnd::Restart => self.lost("the server asks to restart again and again").await,
            LinkEnd::Lost { reason } => self.lost(&reason).await,
            LinkEnd::PairingExpired => self.pairing_expired().await,
            LinkEnd::Replaced => {
                self.fail("another connection of this device took over; stop that one, then start this session").await
            }
            LinkEnd::LoggedOut { reason } => {
                unlink(&self.shared, self.session, &reason).await?;
                Ok(Next::End)
            }
            LinkEnd::Refused { reason, for_now: None } => self.fail(&reason).await,
            LinkEnd::Refused { reason, for_now: Some(wait) } => {
                move_on(&self.shared, self.session, Signal::ConnectionLost, Some(&reason)).await?;
                Ok(Next::Pause(wait))
            }
        }
    }

    async fn lost(&mut self, reason: &str) -> Result<Next, SessionError> {
        move_on(
            &self.shared,
            self.session,
            Signal::ConnectionLost,
            Some(reason),
        )
        .await?;
        let settings = &self.shared.settings;
        let pause = settings
            .reconnect_first
            .saturating_mul(1 << self.failures.min(16))
            .min(settings.reconnect_max);
        self.failures = self.failures.saturating_add(1);
        let pause = self.shared.random.jitter(pause, 0.3);
        warn!(session.id = %self.session, reason, pause_ms = pause.as_millis() as u64, "The connection was lost");
        Ok(Next::Pause(pause))
    }

    /// The offers of one connection are used up; a new connection has new ones, until the window
    /// closes.
    async fn pairing_expired(&mut self) -> Result<Next, SessionError> {
        if self
            .pairing_until
            .is_some_and(|until| Instant::now() < until)
        {
            return Ok(Next::Open);
        }
        self.fail("nobody linked a phone in time; start the session again for a new QR")
            .await
    }

    async fn fail(&mut self, reason: &str) -> Result<Next, SessionError> {
        move_on(&self.shared, self.session, Signal::Fail, Some(reason)).await?;
        Ok(Next::End)
    }
}

/// Waits until `instant`; for ever when there is none.
async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

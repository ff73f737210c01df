//! The demo's session gets linked: its QR is drawn, and the simulated phone scans it.

use std::time::{Duration, Instant};

use anyhow::Context;
use warbler_app::App;
use warbler_app::events::{EventStream, Wanted};
use warbler_app::sessions::{CreateSession, PairingQr, SessionError};
use warbler_domain::{Caller, Session, SessionName, SessionRef, SessionState};
use warbler_simulator::Person;

use crate::failure::Failure;
use crate::host::Host;
use crate::terminal::{Screen, draw_qr};

/// How long the session may take to connect once the phone has scanned.
const CONNECTING: Duration = Duration::from_secs(20);
/// How long one start may take to offer a QR, and how many are tried.
const OFFERING: Duration = Duration::from_secs(2);
const STARTS: u32 = 5;
/// How long the network may take to say that it does not know an old session.
const REFUSING: Duration = Duration::from_secs(5);

/// Links the session `name` to the phone of `owner`, whatever it was linked to before.
pub(super) async fn link(
    host: &Host,
    owner: &Person,
    name: &SessionName,
    screen: Screen,
) -> Result<(), Failure> {
    let app = host.app();
    let caller = Caller::host();
    let mut events = app
        .events()
        .stream(&caller, Wanted::default())
        .await
        .context("no events")?;
    let session = SessionRef::Name(name.clone());
    match app.sessions().get(&caller, &session).await {
        Ok(known) => forget_the_past(app, &mut events, known, screen).await?,
        Err(SessionError::Unknown(_)) => {
            let command = CreateSession {
                name: name.clone(),
                start: false,
            };
            app.sessions()
                .create(&caller, command)
                .await
                .context("the session could not be made")?;
        }
        Err(err) => return Err(anyhow::Error::from(err).into()),
    }
    let qr = offered_qr(app, &session).await?;
    screen.line("")?;
    if screen.is_terminal() {
        for line in draw_qr(&qr.text, screen).context("the QR cannot be drawn")? {
            screen.line(format!("    {line}"))?;
        }
        screen.line("")?;
    }
    screen.line(format!(
        "  Session {} offers a QR; the simulated phone +{} scans it.",
        screen.strong(name),
        owner.number()
    ))?;
    let scanned = Instant::now();
    owner
        .scans(&qr.text)
        .await
        .context("the simulated phone could not scan the QR")?;
    let linked = wait_for(app, &mut events, &session, CONNECTING, |state| {
        state == SessionState::Connected
    })
    .await?;
    if !linked {
        let now = app
            .sessions()
            .get(&caller, &session)
            .await
            .context("the session is gone")?;
        return Err(Failure::failed(format!(
            "the session was linked but did not connect; it is {}",
            now.state
        )));
    }
    let took = scanned.elapsed().as_millis();
    screen.line(format!(
        "  {} linked and connected in {took} ms, end-to-end encrypted",
        screen.good("✓")
    ))?;
    Ok(())
}

/// Starts the session until it offers a QR: one that has just ended may take a start for the end
/// of its old life.
async fn offered_qr(app: &App, session: &SessionRef) -> Result<PairingQr, Failure> {
    let caller = Caller::host();
    let mut last = None;
    for _ in 0..STARTS {
        app.sessions()
            .start(&caller, session)
            .await
            .context("the session did not start")?;
        match tokio::time::timeout(OFFERING, app.sessions().qr(&caller, session)).await {
            Ok(Ok(qr)) => return Ok(qr),
            Ok(Err(err)) => last = Some(err),
            Err(_) => {}
        }
    }
    let err = last.map_or_else(String::new, |err| format!(": {err}"));
    Err(Failure::failed(format!("the session offers no QR{err}")))
}

/// A simulated network remembers nothing, so a session kept from an earlier demo has keys that
/// nobody knows any more.
async fn forget_the_past(
    app: &App,
    events: &mut EventStream,
    known: Session,
    screen: Screen,
) -> Result<(), Failure> {
    let caller = Caller::host();
    let session = SessionRef::Id(known.id);
    screen.line(format!(
        "  {} session {} is from an earlier demo, which the new simulated network does not remember; it is linked again",
        screen.warn("!"),
        known.name
    ))?;
    let over = |state: SessionState| {
        matches!(
            state,
            SessionState::LoggedOut | SessionState::Failed | SessionState::Stopped
        )
    };
    if known.account.is_some() && !wait_for(app, events, &session, REFUSING, over).await? {
        app.sessions()
            .logout(&caller, &session)
            .await
            .context("the old session could not be unlinked")?;
    }
    // A failed or stopped session may still have the old keys.
    let now = app
        .sessions()
        .get(&caller, &session)
        .await
        .context("the session is gone")?;
    if now.account.is_some() {
        app.sessions()
            .logout(&caller, &session)
            .await
            .context("the old session could not be unlinked")?;
    }
    Ok(())
}

/// Waits until the session is in a state that `fits`; `false` when that takes too long.
async fn wait_for(
    app: &App,
    events: &mut EventStream,
    session: &SessionRef,
    within: Duration,
    fits: impl Fn(SessionState) -> bool,
) -> Result<bool, Failure> {
    let waiting = async {
        loop {
            let now = app
                .sessions()
                .get(&Caller::host(), session)
                .await
                .context("the session is gone")?;
            if fits(now.state) {
                return Ok(true);
            }
            if events
                .next()
                .await
                .context("the events cannot be read")?
                .is_none()
            {
                return Err(Failure::failed("the host is stopping"));
            }
        }
    };
    tokio::time::timeout(within, waiting)
        .await
        .unwrap_or(Ok(false))
}

//! What customers write and hear, as it happens, and which extension answered.
//!
//! What a customer wrote is taken from the host's events, what it hears from its own phone, after
//! decryption: the two ends of everything in between. The trace of an event says who answered.

mod memory;
mod walk;

use std::collections::HashSet;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinSet;
use warbler_app::App;
use warbler_app::events::{EventStream, Wanted};
use warbler_automation::{Notice, NoticeKind};
use warbler_domain::extension::ExtensionKind;
use warbler_domain::{Caller, Clock, Event, EventKind, SessionName, SystemClock, Timestamp};
use warbler_simulator::{Heard, HeardContent, Network, Person, PersonError};
use warbler_store::events::{Stored, Trace};

use crate::failure::Failure;
use crate::host::Host;
use crate::terminal::{Screen, plain, time_of_day};
use memory::Memory;

/// What waits to be shown.
const WAITING: usize = 256;
/// Events that are looked at until their chains are through, and phones that are listened to.
const WATCHED: usize = 512;
/// Longest text shown.
const MAX_TEXT: usize = 120;
/// How long a question of the demo waits for its answers.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);
/// How often an event is looked at until its chain is through.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// How long it is looked at.
const LOOKS: u32 = 500;
/// Width of the column that says who speaks.
const WHO: usize = 14;
/// Where texts begin.
const MARGIN: usize = 2 + 8 + 2 + WHO + 2;

/// Something to show.
pub(super) enum Seen {
    /// Events were stored.
    Stored(Vec<Stored>),
    /// An event is through the chain.
    Through(Box<Event>, Option<Trace>),
    /// A customer's phone shows a message.
    Heard(Person, Heard),
    /// An extension was loaded, or could not be.
    Notice(Notice),
}

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// What customers write and hear.
    Talk,
    /// Each event's walk through the extensions, and what they log, besides.
    Walks,
}

/// The live view.
pub(super) struct Conversation {
    app: App,
    network: Network,
    session: SessionName,
    screen: Screen,
    detail: Detail,
    owner: String,
    events: EventStream,
    notices: broadcast::Receiver<Notice>,
    sender: mpsc::Sender<Seen>,
    seen: mpsc::Receiver<Seen>,
    listening: HashSet<String>,
    tasks: JoinSet<()>,
    memory: Memory,
}

impl Conversation {
    /// The view of everything from now on.
    pub(super) async fn new(
        host: &Host,
        network: Network,
        owner: &Person,
        session: SessionName,
        screen: Screen,
        detail: Detail,
    ) -> Result<Self, Failure> {
        let (sender, seen) = mpsc::channel(WAITING);
        let events = host
            .app()
            .events()
            .stream(&Caller::host(), Wanted::default())
            .await
            .context("no events")?;
        let mut conversation = Self {
            app: host.app().clone(),
            network,
            session,
            screen,
            detail,
            owner: owner.number().to_owned(),
            events,
            notices: host.registry().subscribe(),
            sender,
            seen,
            listening: HashSet::new(),
            tasks: JoinSet::new(),
            memory: Memory::default(),
        };
        conversation.listen_to_everybody();
        Ok(conversation)
    }

    /// Lets `customer` write to the phone of `owner`, and shows everything until it is answered.
    pub(super) async fn ask(
        &mut self,
        customer: &Person,
        owner: &Person,
        text: &str,
    ) -> Result<(), Failure> {
        customer
            .says(&owner.jid(), text)
            .await
            .context("the customer could not write")?;
        let answered = async {
            while !self.memory.is_answered(text) {
                let seen = self.next().await?;
                self.show(seen).await?;
            }
            Ok(())
        };
        match tokio::time::timeout(ANSWERED_WITHIN, answered).await {
            Ok(answered) => answered,
            Err(_) => {
                let text = format!(
                    "no answer within {} s; the log may say why (--log debug)",
                    ANSWERED_WITHIN.as_secs()
                );
                Ok(self
                    .screen
                    .line(format!("{:>MARGIN$}{}", "", self.screen.warn(text)))?)
            }
        }
    }

    /// The next thing to show. Nothing is lost when this is given up while it waits.
    pub(super) async fn next(&mut self) -> Result<Seen, Failure> {
        loop {
            tokio::select! {
                // What was written comes before what was heard.
                biased;
                stored = self.events.next_events() => {
                    let stored = stored.context("the events cannot be read")?;
                    return stored.map(Seen::Stored).ok_or_else(|| Failure::failed("the host is stopping"));
                }
                notice = self.notices.recv() => match notice {
                    Ok(notice) => return Ok(Seen::Notice(notice)),
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return Err(Failure::failed("the extensions have ended")),
                },
                Some(seen) = self.seen.recv() => return Ok(seen),
                Some(_) = self.tasks.join_next() => {}
            }
        }
    }

    /// Shows it.
    pub(super) async fn show(&mut self, seen: Seen) -> Result<(), Failure> {
        match seen {
            Seen::Stored(batch) => {
                self.listen_to_everybody();
                for stored in batch
                    .into_iter()
                    .filter(|stored| stored.event.kind() == EventKind::MESSAGE_RECEIVED)
                {
                    self.show_said(stored.event)?;
                }
                Ok(())
            }
            Seen::Through(event, trace) => self.show_through(&event, trace),
            Seen::Heard(person, heard) => self.show_heard(&person, &heard).await,
            Seen::Notice(notice) => self.show_notice(&notice),
        }
    }

    /// Every person but the owner of the session is a customer.
    fn listen_to_everybody(&mut self) {
        for person in self.network.people() {
            if self.tasks.len() >= WATCHED {
                return;
            }
            if person.number() == self.owner || !self.listening.insert(person.number().to_owned()) {
                continue;
            }
            let sender = self.sender.clone();
            self.tasks.spawn(async move {
                loop {
                    match person.hears_within(Duration::from_secs(3600)).await {
                        Ok(heard) => {
                            if sender
                                .send(Seen::Heard(person.clone(), heard))
                                .await
                                .is_err()
                            {
                                return;
                            }
                        }
                        Err(PersonError::Silence(_)) => {}
                        Err(_) => return,
                    }
                }
            });
        }
    }

    fn show_said(&mut self, event: Event) -> Result<(), Failure> {
        let Some(message) = event.message() else {
            return Ok(());
        };
        let who = message
            .sender_name
            .clone()
            .unwrap_or_else(|| message.sender.to_string());
        let text = message.content.readable().unwrap_or("(no text)");
        self.line(event.at, &who, text, false, "")?;
        let (app, sender, id) = (self.app.clone(), self.sender.clone(), event.id);
        let watched = event.clone();
        if self.tasks.len() >= WATCHED {
            return Ok(());
        }
        self.tasks.spawn(async move {
            for _ in 0..LOOKS {
                match app.events().trace(&Caller::host(), id).await {
                    Ok((stored, trace)) if stored.done => {
                        // The view may have ended meanwhile.
                        drop(sender.send(Seen::Through(Box::new(watched), trace)).await);
                        return;
                    }
                    Ok(_) => tokio::time::sleep(LOOK_AGAIN).await,
                    Err(_) => return,
                }
            }
        });
        self.memory.remember(event);
        Ok(())
    }

    fn show_through(&mut self, event: &Event, trace: Option<Trace>) -> Result<(), Failure> {
        let steps = trace.map(|trace| trace.steps).unwrap_or_default();
        self.memory.expect(event.id, &steps);
        let screen = self.screen;
        for step in &steps {
            let mut lines = Vec::new();
            if let Detail::Walks = self.detail {
                lines.extend(walk::logs(step, screen));
            }
            if let Some(fault) = &step.error {
                lines.extend(walk::fault(step.extension.as_str(), fault, screen));
            }
            for line in lines {
                screen.line(format!("{:>MARGIN$}{line}", ""))?;
            }
        }
        if let Detail::Walks = self.detail {
            let line = screen.faint(walk::line(&steps));
            return Ok(screen.line(format!("{:>MARGIN$}{line}", ""))?);
        }
        if steps
            .iter()
            .all(|step| step.actions.is_empty() && step.error.is_none())
        {
            self.screen.line(format!(
                "{:>MARGIN$}{}",
                "",
                self.screen.faint("no extension had an answer")
            ))?;
        }
        Ok(())
    }

    async fn show_heard(&mut self, person: &Person, heard: &Heard) -> Result<(), Failure> {
        let now = SystemClock.now();
        let text = match &heard.content {
            HeardContent::Reaction { emoji, .. } => format!("reacts with {emoji}"),
            HeardContent::Image { caption, .. } => {
                format!("(image) {}", caption.as_deref().unwrap_or_default())
            }
            _ => heard.text().to_owned(),
        };
        let note = match self.memory.answerer(&self.app, person, heard.text()).await {
            Some((step, at)) => {
                let kind = match step.kind {
                    ExtensionKind::Plugin => "plugin",
                    ExtensionKind::Script => "script",
                    ExtensionKind::Rules => "rules",
                };
                let after = now.since(at).as_millis();
                format!(
                    "{} ({kind}) took {}, heard {after} ms after the question",
                    step.extension,
                    short(step.took)
                )
            }
            None => "sent through the API".to_owned(),
        };
        let to = format!("→ {}", person.name());
        self.line(now, &to, &text, true, &note)
    }

    fn show_notice(&self, notice: &Notice) -> Result<(), Failure> {
        let screen = self.screen;
        match &notice.what {
            NoticeKind::Failed { fault, .. } => {
                let told = notice.to_string();
                for (index, line) in told.lines().enumerate() {
                    let mark = if index == 0 {
                        screen.bad("✗")
                    } else {
                        " ".to_owned()
                    };
                    screen.line(format!("  {mark} {}", plain(line, 700)))?;
                }
                if let Some(file) = &fault.file {
                    let line = fault
                        .line
                        .map_or_else(String::new, |line| format!(":{line}"));
                    let place = plain(&format!("{file}{line}"), 300);
                    screen.line(screen.faint(format!("      {place}")))?;
                }
                for line in fault
                    .excerpt
                    .iter()
                    .flat_map(|excerpt| excerpt.lines())
                    .take(4)
                {
                    screen.line(screen.faint(format!("      {}", plain(line, MAX_TEXT))))?;
                }
            }
            _ => {
                let took = notice.took.as_millis();
                screen.line(format!("  {} {notice} in {took} ms", screen.good("↻")))?;
            }
        }
        for warning in &notice.warnings {
            screen.line(screen.warn(format!("      {}", plain(warning, 300))))?;
        }
        Ok(())
    }

    fn line(
        &self,
        at: Timestamp,
        who: &str,
        text: &str,
        ours: bool,
        note: &str,
    ) -> Result<(), Failure> {
        let screen = self.screen;
        let time = time_of_day(at.to_jiff());
        let who = if ours {
            format!("{} {who}", self.session)
        } else {
            who.to_owned()
        };
        let who = format!("{:<WHO$}", plain(&who, WHO));
        let text = plain(text, MAX_TEXT);
        let who = if ours {
            screen.good(who)
        } else {
            screen.accent(who)
        };
        screen.line(format!("  {}  {who}  {text}", screen.faint(time)))?;
        if !note.is_empty() {
            screen.line(format!("{:>MARGIN$}{}", "", screen.faint(note)))?;
        }
        Ok(())
    }
}

/// A duration as one says it.
fn short(took: Duration) -> String {
    match took.as_micros() {
        micros if micros < 1000 => format!("{micros} µs"),
        _ => format!("{:.1} ms", took.as_secs_f64() * 1000.0),
    }
}

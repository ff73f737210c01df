//! A stage: folders in a temporary directory, a store, and a registry that watches them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use tokio::sync::broadcast;
use warbler_app::hook::{EventHook, Extensions, HookCall, HookOutcome, KvReader};
use warbler_automation::{Notice, Registry, RegistryConfig};
use warbler_domain::extension::{ExtensionFault, ExtensionStatus};
use warbler_domain::message::{Direction, MessageStatus};
use warbler_domain::{
    Action, Clock, Content, Event, EventBody, EventId, Message, MessageId, Random, SessionId,
    SystemClock, Timestamp, WhatsAppId,
};
use warbler_store::{Store, StoreOptions};

/// 2026-03-04, a Wednesday, 11:00 in Berlin.
pub(crate) const WEDNESDAY_MORNING: Timestamp = Timestamp::from_millis(1_772_618_400_000);

pub(crate) struct Stage {
    dir: TempDir,
    pub(crate) registry: Registry,
    notices: broadcast::Receiver<Notice>,
    pub(crate) store: Store,
    random: Random,
    pub(crate) session: SessionId,
}

impl Stage {
    /// Empty folders. Calls have plenty of time, so that a busy machine fails no test; a test about
    /// time limits sets them back.
    pub(crate) async fn start() -> Result<Self> {
        Self::start_with(|_| {}).await
    }

    /// Empty folders, and a registry that is configured otherwise.
    pub(crate) async fn start_with(change: impl FnOnce(&mut RegistryConfig)) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        std::fs::create_dir(dir.path().join("plugins"))?;
        std::fs::create_dir(dir.path().join("scripts"))?;
        Self::open(dir, change).await
    }

    async fn open(dir: TempDir, change: impl FnOnce(&mut RegistryConfig)) -> Result<Self> {
        let mut config = RegistryConfig::new(dir.path().join("last-good"), Arc::new(SystemClock));
        config.plugin_dirs.push(dir.path().join("plugins"));
        config.script_dirs.push(dir.path().join("scripts"));
        config.limits.plugin.wall = Duration::from_secs(20);
        config.limits.script.wall = Duration::from_secs(20);
        change(&mut config);
        let registry = Registry::open(config).await?;
        let random = Random::seeded(7);
        Ok(Self {
            notices: registry.subscribe(),
            store: Store::open(&StoreOptions::new(dir.path().join("store.db")))?,
            session: SessionId::new(WEDNESDAY_MORNING, &random),
            registry,
            random,
            dir,
        })
    }

    /// Ends the registry and opens a new one over the same folders, as a restart does.
    pub(crate) async fn restart(self) -> Result<Self> {
        self.restart_with(|_| {}).await
    }

    /// The same with another configuration.
    pub(crate) async fn restart_with(
        self,
        change: impl FnOnce(&mut RegistryConfig),
    ) -> Result<Self> {
        self.registry.stop().await;
        Self::open(self.dir, change).await
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// Puts a file, in one step as editors do.
    pub(crate) fn put(&self, path: &str, content: impl AsRef<[u8]>) -> Result<()> {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().context("a file has a folder")?)?;
        let aside = path.with_extension("tmp");
        std::fs::write(&aside, content)?;
        std::fs::rename(aside, path)?;
        Ok(())
    }

    /// Puts the shipped plugin.
    pub(crate) fn put_auto_reply(&self) -> Result<()> {
        for file in ["plugin.toml", "auto-reply.wasm"] {
            let shipped = std::fs::read(root().join("plugins/auto-reply").join(file))?;
            self.put(&format!("plugins/auto-reply/{file}"), shipped)?;
        }
        Ok(())
    }

    /// Puts one of the hostile guests as a plugin.
    pub(crate) fn put_guest(&self, name: &str) -> Result<()> {
        let text = std::fs::read(root().join(format!("tests/guests/{name}.wat")))?;
        self.put(&format!("plugins/{name}.wasm"), text)
    }

    /// Puts one of the guests as a plugin with a manifest.
    pub(crate) fn put_guest_with(&self, name: &str, manifest: &str) -> Result<()> {
        let text = std::fs::read(root().join(format!("tests/guests/{name}.wat")))?;
        self.put(&format!("plugins/{name}/{name}.wasm"), text)?;
        self.put(&format!("plugins/{name}/plugin.toml"), manifest)
    }

    /// The next thing that happens to an extension.
    pub(crate) async fn notice(&mut self) -> Result<Notice> {
        let notice = tokio::time::timeout(Duration::from_secs(60), self.notices.recv()).await;
        Ok(notice.context("nothing happened")??)
    }

    pub(crate) fn status(&self, name: &str) -> Result<ExtensionStatus> {
        let statuses = self.registry.statuses();
        let found = statuses
            .into_iter()
            .find(|status| status.name.as_str() == name);
        found.with_context(|| format!("no extension {name}"))
    }

    /// Why the newest version of an extension does not run.
    pub(crate) fn fault(&self, name: &str) -> Result<ExtensionFault> {
        self.status(name)?.last_error.context("nothing is wrong")
    }

    pub(crate) fn hook(&self, name: &str) -> Result<Arc<dyn EventHook>> {
        let chain = self.registry.chain();
        let found = chain
            .iter()
            .find(|hook| hook.name().as_str() == name)
            .cloned();
        found.with_context(|| match self.fault(name) {
            Ok(fault) => format!(
                "{name} is not in the chain: {}: {}",
                fault.code, fault.message
            ),
            Err(_) => format!("{name} is not in the chain"),
        })
    }

    /// A message from a customer.
    pub(crate) fn message(&self, text: &str) -> Result<Event> {
        let now = WEDNESDAY_MORNING;
        let message = Message {
            id: MessageId::new(now, &self.random),
            session: self.session,
            whatsapp_id: WhatsAppId::new(&self.random),
            chat: "15550100@s.whatsapp.net".parse()?,
            sender: "15550100@s.whatsapp.net".parse()?,
            sender_alt: None,
            sender_name: Some("Ada".to_owned()),
            direction: Direction::Inbound,
            timestamp: now,
            content: Content::text(text),
            quoted: None,
            status: MessageStatus::Received,
            error: None,
            chat_alt: None,
            forwarded: 0,
            audience: Vec::new(),
            scheduled_for: None,
            error_code: None,
            sender_saved_name: None,
        };
        Ok(Event {
            id: EventId::new(now, &self.random),
            session: self.session,
            at: now,
            body: EventBody::Message {
                message: Box::new(message),
            },
        })
    }

    /// Calls one extension with a message.
    pub(crate) async fn says(&self, name: &str, text: &str) -> Result<HookOutcome> {
        self.says_at(name, text, WEDNESDAY_MORNING).await
    }

    pub(crate) async fn says_at(
        &self,
        name: &str,
        text: &str,
        now: Timestamp,
    ) -> Result<HookOutcome> {
        let hook = self.hook(name)?;
        let event = self.message(text)?;
        if !hook.wants(&event) {
            bail!("{name} does not want the message");
        }
        Ok(hook.handle(self.call(&*hook, event, now)?).await)
    }

    pub(crate) fn call(
        &self,
        hook: &dyn EventHook,
        event: Event,
        now: Timestamp,
    ) -> Result<HookCall> {
        Ok(HookCall {
            event: Arc::new(event),
            owner: None,
            session_name: "shop".parse()?,
            now,
            kv: KvReader::new(self.store.clone(), hook.name().clone(), now),
        })
    }

    /// Calls one extension and carries out what it wrote to its kv, as the pipeline does.
    pub(crate) async fn says_and_keeps(&self, name: &str, text: &str) -> Result<HookOutcome> {
        let outcome = self.says(name, text).await?;
        let extension = self.hook(name)?.name().clone();
        let writes = outcome.kv_writes.clone();
        self.store
            .write(move |tx| tx.kv_mut().apply(&extension, &writes, SystemClock.now()))
            .await
            .map_err(|error: warbler_store::Error| error)?;
        Ok(outcome)
    }
}

/// The top of the project.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The texts of the replies.
pub(crate) fn replies(outcome: &HookOutcome) -> Vec<&str> {
    let texts = outcome.actions.iter().filter_map(|action| match action {
        Action::Reply { text, .. } => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

/// The code of what went wrong.
pub(crate) fn code(outcome: &HookOutcome) -> &str {
    outcome
        .fault
        .as_ref()
        .map_or("", |fault| fault.code.as_str())
}

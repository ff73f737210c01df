//! `warbler serve`: the host, until it is asked to end.

use tracing::{info, warn};

use crate::args::Serve;
use crate::config::Config;
use crate::failure::Failure;
use crate::host::{Host, HostOptions};
use crate::signals::asked_to_end;

/// Runs the host that arguments and settings describe.
pub(super) async fn run(args: Serve, config: Config) -> Result<(), Failure> {
    let options = options(args, config)?;
    let given = options.admin_key.is_some();
    let mut host = Host::start(options).await?;
    let key_file = host.key_file();
    if host.first_key().is_some() {
        info!(file = %key_file.display(), "The first API key is in {}", key_file.display());
    } else if !given && !key_file.exists() {
        warn!(
            "The file {} is gone; keys that were made before stay valid, and WARBLER_ADMIN_KEY puts another in place",
            key_file.display()
        );
    }
    let ended = tokio::select! {
        asked = asked_to_end() => asked.map_err(Failure::from),
        failed = host.listener_failed() => Err(failed.into()),
    };
    info!("The host is asked to stop");
    host.stop().await;
    ended
}

fn options(args: Serve, config: Config) -> Result<HostOptions, Failure> {
    let settings = config.settings();
    let network = config.network.choice()?;
    let max_database = config.data.max_database();
    let data = args.data.unwrap_or(config.data.dir);
    let max_body = config.server.max_body();
    let open_metrics = config.server.open_metrics;
    let dialects = config.dialects.options();
    let history = config.sessions.history();
    Ok(HostOptions {
        listen: args.listen.unwrap_or(config.server.listen),
        trusted_proxies: config.server.trusted_proxies,
        allow_remote: args.allow_remote || config.server.allow_remote,
        plugin_dirs: config.extensions.plugins,
        compiled: Some(data.join("compiled")),
        script_dirs: config.extensions.scripts,
        grants: config.extensions.grants,
        secrets: config.extensions.secrets,
        engine: config.network.engine,
        device_name: config.network.device_name,
        device_platform: config.network.device_platform,
        max_body,
        public_url: config.server.public_url,
        open_metrics,
        dialects,
        history,
        max_database,
        admin_key: config.access.admin_key,
        settings,
        ..HostOptions::new(data, network)
    })
}

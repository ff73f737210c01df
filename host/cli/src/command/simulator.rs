//! `warbler simulator`: the simulated network alone.

use warbler_simulator::{Network, NetworkOptions};

use crate::args::Simulator;
use crate::failure::Failure;
use crate::signals::asked_to_end;
use crate::terminal::Screen;

/// Runs a network until it is asked to end.
pub(super) async fn run(args: Simulator, screen: Screen) -> Result<(), Failure> {
    let options = NetworkOptions {
        listen: args.listen,
        http_listen: args.http,
        ..NetworkOptions::default()
    };
    let network = Network::start(options).await.map_err(|err| {
        let cause =
            std::error::Error::source(&err).map_or_else(String::new, |cause| format!(": {cause}"));
        Failure::failed(format!("the simulated network did not start: {err}{cause}"))
    })?;
    let told = tell(&network, &args.people, screen);
    let ended = match told {
        Ok(()) => asked_to_end().await.map_err(Failure::from),
        Err(failure) => Err(failure),
    };
    network.stop().await;
    ended
}

fn tell(network: &Network, people: &[String], screen: Screen) -> Result<(), Failure> {
    let (websocket, http) = (network.websocket_url(), network.http_url());
    screen.line(screen.strong(
        "The simulated network runs on this machine only; it forgets everything when it ends.",
    ))?;
    screen.line("")?;
    screen.line(format!(
        "  clients connect to   {}",
        screen.accent(&websocket)
    ))?;
    screen.line(format!(
        "  media and control    {}",
        screen.accent(format!("{http}/control"))
    ))?;
    for person in people {
        let (number, name) = person.split_once('=').ok_or_else(|| {
            Failure::Usage(format!(
                "`{person}` is not a person; write NUMBER=NAME, like +15550100=Ada"
            ))
        })?;
        let person = network
            .person(number, name)
            .map_err(|err| Failure::Usage(err.to_string()))?;
        screen.line(format!("  {:<20} +{}", person.name(), person.number()))?;
    }
    screen.line("")?;
    screen.line("A host that uses it has in its warbler.toml:")?;
    screen.line("")?;
    screen.line("  [network]")?;
    screen.line(format!("  websocket_url = \"{websocket}\""))?;
    screen.line(format!("  media_base = \"{http}\""))?;
    screen.line("")?;
    screen
        .line("Make somebody, let them scan a session's QR, and let somebody else write to it:")?;
    screen.line("")?;
    let json = "-H 'content-type: application/json'";
    screen.line(format!(
        "  curl {http}/control/people {json} -d '{{\"number\":\"+15550100\",\"name\":\"Ada\"}}'"
    ))?;
    screen.line(format!("  curl {http}/control/people/15550100/say {json} -d '{{\"to\":\"+15550123\",\"text\":\"hello\"}}'"))?;
    Ok(())
}

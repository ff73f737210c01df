//! Figures of the extensions, by name and generation.

use warbler_domain::extension::{ExtensionState, ExtensionStatus, ExtensionUsage};

use super::exposition::Exposition;

/// A figure with one value for each extension: name, help, value.
type Figure = (&'static str, &'static str, fn(&ExtensionUsage) -> u64);

/// Those that only grow, as long as a generation runs.
const GROWING: [Figure; 3] = [
    (
        "warbler_extension_actions_total",
        "What calls asked for.",
        |usage| usage.actions,
    ),
    (
        "warbler_extension_fetches_total",
        "HTTP requests of calls.",
        |usage| usage.cost.fetches,
    ),
    (
        "warbler_extension_denials_total",
        "What calls were refused because it is not granted.",
        |usage| usage.cost.denials,
    ),
];

/// Those that only grow as long as the host runs.
const LASTING: [Figure; 2] = [
    (
        "warbler_extension_reloads_total",
        "How often another version took the place of one.",
        |usage| usage.reloads,
    ),
    (
        "warbler_extension_quarantines_total",
        "How often it was left out after repeated failure.",
        |usage| usage.quarantines,
    ),
];

/// Those that go up and down.
const STANDING: [Figure; 4] = [
    (
        "warbler_extension_calls_running",
        "Calls under way.",
        |usage| usage.running,
    ),
    (
        "warbler_extension_calls_waiting",
        "Calls that wait for their turn.",
        |usage| usage.waiting,
    ),
    (
        "warbler_extension_instances_warm",
        "Instances kept between calls.",
        |usage| usage.warm,
    ),
    (
        "warbler_extension_peak_memory_bytes",
        "The most memory one call had.",
        |usage| usage.cost.peak_memory,
    ),
];

pub(super) fn write(text: &mut Exposition, extensions: &[ExtensionStatus]) {
    let named = |status: &ExtensionStatus| {
        let generation = status.generation.as_ref().map(ToString::to_string);
        (status.name.to_string(), generation.unwrap_or_default())
    };
    let name = "warbler_extension_calls_total";
    text.counter(
        name,
        "Calls by how they ended: `ok`, or the code of their fault.",
    );
    for status in extensions {
        let (of, generation) = named(status);
        let labels = |result| {
            [
                ("extension", of.as_str()),
                ("generation", generation.as_str()),
                ("result", result),
            ]
        };
        text.value(name, &labels("ok"), status.usage.succeeded);
        for (code, count) in &status.usage.failed {
            text.value(name, &labels(code), *count);
        }
    }
    let name = "warbler_extension_call_seconds_total";
    text.counter(name, "Time of calls, by what it went into.");
    for status in extensions {
        let (of, generation) = named(status);
        let cost = &status.usage.cost;
        for (part, micros) in [
            ("queue", cost.queue_micros),
            ("start", cost.start_micros),
            ("guest", cost.guest_micros),
            ("host", cost.host_micros),
        ] {
            let labels = [
                ("extension", of.as_str()),
                ("generation", &generation),
                ("part", part),
            ];
            text.seconds(name, &labels, micros);
        }
    }
    for (name, help, value) in GROWING {
        text.counter(name, help);
        for status in extensions {
            let (of, generation) = named(status);
            let labels = [("extension", of.as_str()), ("generation", &generation)];
            text.value(name, &labels, value(&status.usage));
        }
    }
    for (name, help, value) in LASTING {
        text.counter(name, help);
        each(text, name, extensions, |status| value(&status.usage));
    }
    for (name, help, value) in STANDING {
        text.gauge(name, help);
        each(text, name, extensions, |status| value(&status.usage));
    }
    let name = "warbler_extension_running";
    text.gauge(
        name,
        "1 for an extension that is called, 0 for one that is broken or left out.",
    );
    each(text, name, extensions, |status| {
        u64::from(matches!(
            status.state,
            ExtensionState::Active | ExtensionState::LastGood
        ))
    });
}

fn each(
    text: &mut Exposition,
    name: &str,
    extensions: &[ExtensionStatus],
    value: impl Fn(&ExtensionStatus) -> u64,
) {
    for status in extensions {
        text.value(name, &[("extension", status.name.as_str())], value(status));
    }
}

//! The functions of scripts as they are told to authors: each with its words and an example.
//!
//! [`Book::add`] registers a function in the engine together with what the reference says of it, so
//! that neither can be without the other. Lines of an example with ` // ` behind them come to what
//! stands there.

use rhai::{Engine, FuncRegistration, RhaiNativeFunc, Variant};

/// What marks our entries among the comments of functions.
const OURS: &str = "/// warbler";

/// Where functions are written down while they are registered.
pub(super) struct Book<'e> {
    pub(super) engine: &'e mut Engine,
    chapter: &'static str,
    entries: usize,
}

/// A function, or several of one name, as the reference tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the book.
    pub place: usize,
    /// What it is about.
    pub chapter: String,
    /// `kv_get(key) -> value`.
    pub signature: String,
    /// What it does.
    pub what: String,
    /// How it is used; nothing for a second form of a function.
    pub example: String,
}

impl<'e> Book<'e> {
    pub(super) fn new(engine: &'e mut Engine) -> Self {
        Self {
            engine,
            chapter: "",
            entries: 0,
        }
    }

    /// What follows is about something else.
    pub(super) fn chapter(&mut self, title: &'static str) -> &mut Self {
        self.chapter = title;
        self
    }

    /// Registers the function of `signature`, which is `name(parameter, …)` or `name(…) -> answer`.
    pub(super) fn add<A: 'static, const N: usize, const X: bool, R, const F: bool, FUNC>(
        &mut self,
        signature: &'static str,
        what: &'static str,
        example: &'static str,
        function: FUNC,
    ) -> &mut Self
    where
        R: Variant + Clone,
        FUNC: RhaiNativeFunc<A, N, X, R, F> + Send + Sync + 'static,
    {
        let place = self.entries.to_string();
        self.entries += 1;
        let name = signature.split('(').next().unwrap_or(signature);
        FuncRegistration::new(name)
            .with_comments([OURS, &place, self.chapter, signature, what, example])
            .register_into_engine(self.engine, function);
        self
    }
}

/// Whether a function is told of here.
pub(super) fn tells(function: &rhai::FuncMetadata) -> bool {
    let mut comments = function.comments.iter();
    comments.next().is_some_and(|first| first == OURS)
}

/// All entries of an engine, in their order.
pub(super) fn entries(engine: &Engine) -> Vec<Entry> {
    let mut entries = engine.collect_fn_metadata(
        None,
        |info| {
            let comments = &info.metadata.comments;
            let [_ours, place, chapter, signature, what, example] = comments.as_slice() else {
                return None;
            };
            tells(info.metadata).then(|| Entry {
                place: place.parse().unwrap_or(usize::MAX),
                chapter: chapter.to_string(),
                signature: signature.to_string(),
                what: what.to_string(),
                example: example.to_string(),
            })
        },
        false,
    );
    entries.sort_by_key(|entry| entry.place);
    entries
}

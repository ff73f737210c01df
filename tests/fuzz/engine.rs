//! The fuzzer: seeds, mutations, and a memory of what behaved in a new way.

use std::collections::HashSet;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use warbler_domain::Random;

/// Longest input, in bytes.
const LONGEST: usize = 8 * 1024;
/// Inputs that are remembered.
const REMEMBERED: usize = 2048;

/// Something that reads what strangers write.
pub(crate) struct Target {
    /// Its name, and that of its folder of seeds.
    pub(crate) name: &'static str,
    /// Words that make it look further.
    pub(crate) words: &'static [&'static str],
    /// Inputs tried when nobody asks for more.
    pub(crate) few: u32,
}

/// Tells the input when a check panics.
struct Telling<'a>(&'static str, &'a [u8]);

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let (name, shown) = (self.0, self.1.escape_ascii());
            // There is nothing better to do when stderr is gone.
            drop(writeln!(
                std::io::stderr(),
                "{name} panicked at b\"{shown}\""
            ));
        }
    }
}

impl Target {
    /// Tries inputs. `check` says in a word how it behaved, or what is wrong.
    pub(crate) fn run(&self, mut check: impl FnMut(&[u8]) -> Result<String>) -> Result<()> {
        let seconds: Option<u64> = number("WARBLER_FUZZ_SECONDS")?;
        let random = Random::seeded(number("WARBLER_FUZZ_SEED")?.unwrap_or(1));
        let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let mut corpus = self.seeds()?;
        let mut behaviours = HashSet::new();
        for seed in &corpus {
            behaviours.insert(self.try_one(seed, &mut check)?);
        }
        let mut tried: u64 = 0;
        while until.map_or(tried < u64::from(self.few), |until| Instant::now() < until) {
            tried += 1;
            let input = self.mutated(&corpus, &random);
            let behaviour = self.try_one(&input, &mut check)?;
            if corpus.len() < REMEMBERED && behaviours.insert(behaviour) {
                corpus.push(input);
            }
        }
        let (name, kinds) = (self.name, behaviours.len());
        writeln!(
            std::io::stderr(),
            "{name}: {tried} inputs, {kinds} ways to behave"
        )?;
        Ok(())
    }

    fn try_one(
        &self,
        input: &[u8],
        check: &mut impl FnMut(&[u8]) -> Result<String>,
    ) -> Result<String> {
        let telling = Telling(self.name, input);
        let found = check(input);
        drop(telling);
        found.with_context(|| format!("{} at b\"{}\"", self.name, input.escape_ascii()))
    }

    fn seeds(&self) -> Result<Vec<Vec<u8>>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fuzz/seeds")
            .join(self.name);
        let mut files: Vec<_> = std::fs::read_dir(&folder)
            .with_context(|| folder.display().to_string())?
            .collect::<std::io::Result<_>>()?;
        files.sort_by_key(std::fs::DirEntry::file_name);
        let seeds: Vec<Vec<u8>> = files
            .iter()
            .map(|file| std::fs::read(file.path()))
            .collect::<std::io::Result<_>>()?;
        ensure!(!seeds.is_empty(), "{} has no seeds", folder.display());
        Ok(seeds)
    }

    fn mutated(&self, corpus: &[Vec<u8>], random: &Random) -> Vec<u8> {
        let mut input = pick(corpus, random).cloned().unwrap_or_default();
        for _ in 0..=below(random, 4) {
            let at = below(random, input.len() + 1);
            match below(random, 8) {
                0 => {
                    if let Some(byte) = input.get_mut(at) {
                        *byte = below(random, 256) as u8;
                    }
                }
                1 => {
                    if let Some(byte) = input.get_mut(at) {
                        *byte ^= 1 << below(random, 8);
                    }
                }
                2 => {
                    let end = (at + 1 + below(random, 8)).min(input.len());
                    input.drain(at.min(end)..end);
                }
                3 => {
                    let end = (at + 1 + below(random, 32)).min(input.len());
                    let part = input.get(at..end).unwrap_or_default().to_vec();
                    insert(&mut input, at, &part.repeat(1 + below(random, 20)));
                }
                4 | 5 => {
                    let word = pick(self.words, random).copied().unwrap_or_default();
                    insert(&mut input, at, word.as_bytes());
                }
                6 => {
                    let other = pick(corpus, random).cloned().unwrap_or_default();
                    let from = below(random, other.len() + 1);
                    input.truncate(at);
                    input.extend_from_slice(other.get(from..).unwrap_or_default());
                }
                _ => {
                    let letter = char::from_u32(below(random, 0x1_1000) as u32).unwrap_or('\u{0}');
                    insert(&mut input, at, letter.to_string().as_bytes());
                }
            }
        }
        input.truncate(LONGEST);
        input
    }
}

fn insert(input: &mut Vec<u8>, at: usize, part: &[u8]) {
    input.splice(at..at, part.iter().copied());
}

fn pick<'a, T>(from: &'a [T], random: &Random) -> Option<&'a T> {
    from.get(below(random, from.len()))
}

/// A number from 0 up to, and without, `end`.
fn below(random: &Random, end: usize) -> usize {
    let mut bytes = [0; 4];
    random.fill(&mut bytes);
    u32::from_le_bytes(bytes) as usize % end.max(1)
}

fn number<T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    name: &str,
) -> Result<Option<T>> {
    match std::env::var(name) {
        Ok(text) => Ok(Some(text.parse().with_context(|| name.to_owned())?)),
        Err(_) => Ok(None),
    }
}

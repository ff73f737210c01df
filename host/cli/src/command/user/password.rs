//! Asking for a password: typed unseen, twice, or the first line of stdin. Never an argument,
//! because every process of the machine can read those.

use std::io::{self, BufRead, IsTerminal};

use warbler_domain::Secret;

use crate::failure::Failure;

/// More than any password may have.
const MAX_LINE: u64 = 4096;

/// Asks for a password in the words of `prompt`.
pub(super) fn ask(prompt: &str) -> Result<Secret, Failure> {
    if !io::stdin().is_terminal() {
        return first_line(io::stdin().lock());
    }
    let first = Secret::new(rpassword::prompt_password(format!("{prompt}: "))?);
    let again = Secret::new(rpassword::prompt_password("Once more: ")?);
    if first != again {
        return Err(Failure::Usage("the two passwords differ".to_owned()));
    }
    Ok(first)
}

fn first_line(input: impl BufRead) -> Result<Secret, Failure> {
    let mut line = String::new();
    input.take(MAX_LINE).read_line(&mut line)?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(Failure::Usage(
            "no password: type it, or pass it on stdin".to_owned(),
        ));
    }
    Ok(Secret::new(password))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_password_without_its_end() -> anyhow::Result<()> {
        let read = |text: &str| first_line(text.as_bytes()).map_err(|err| err.to_string());
        assert_eq!(read(" a b \r\nrest\n"), Ok(Secret::new(" a b ")));
        assert!(read("").is_err() && read("\n").is_err());
        Ok(())
    }
}

//! Mentions inside a text: `@` and the user part of an address, which differs with the address.

/// `text` with the first user part of each pair replaced by the second where it is mentioned.
pub(crate) fn renamed(text: &str, users: &[(String, String)]) -> String {
    let mut renamed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('@') {
        renamed.push_str(before);
        renamed.push('@');
        let end = after
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(after.len());
        let (user, behind) = after.split_at(end);
        let other = users.iter().find(|(from, _)| from == user);
        renamed.push_str(other.map_or(user, |(_, to)| to));
        rest = behind;
    }
    renamed.push_str(rest);
    renamed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_mentions_are_renamed() {
        let users = [("15550100".to_owned(), "777".to_owned())];
        assert_eq!(
            renamed("@15550100, ask @155501001 or me@15550100. @", &users),
            "@777, ask @155501001 or me@777. @"
        );
        assert_eq!(renamed("none", &users), "none");
    }
}

//! Locations of stores in a form that can be shown: without passwords, also where a URL is mistyped.

/// Takes the place of what is not shown.
const HIDDEN: &str = "[…]";

/// Returns the location without user, password and parameters. Where it is unclear which part of the text is the
/// password, it shows as little as possible.
pub(crate) fn redacted(location: &str) -> String {
    match location.split_once("://") {
        Some((scheme, rest)) => format!("{}://{}", without_password(scheme), host_and_path(rest)),
        None => without_password(location),
    }
}

/// Returns the text of a driver about a location, without the location's password.
#[cfg(feature = "postgres")]
pub(crate) fn redacted_text(text: &str, location: &str) -> String {
    let rest = location.split_once("://").map_or(location, |(_, rest)| rest);
    let (authority, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    let password = user.split_once(':').map_or("", |(_, password)| password);
    let given = parameters.split('&').filter_map(|parameter| parameter.strip_prefix("password="));
    let secrets = given.chain([password]).filter(|secret| !secret.is_empty());
    secrets.fold(text.to_owned(), |text, secret| text.replace(secret, HIDDEN))
}

/// Returns a text without the passwords of the URLs in it.
pub(crate) fn without_url_passwords(text: String) -> String {
    if !text.contains("://") {
        return text;
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("://") {
        let end = after.find(|c: char| c.is_whitespace() || "\"'`<>()".contains(c)).unwrap_or(after.len());
        let (url, following) = after.split_at(end);
        let (authority, _) = url.split_at(url.find(['/', '?', '#']).unwrap_or(url.len()));
        shown.push_str(before);
        shown.push_str("://");
        // Without an `@` in the authority, its port can be the beginning of a password with a `/`, `?` or `#`.
        let is_port = |(_, port): (&str, &str)| port.bytes().all(|byte| byte.is_ascii_digit());
        let user_end = match authority.rfind('@') {
            None if authority.rsplit_once(':').is_none_or(is_port) || authority.starts_with('[') => None,
            None => url.rfind('@'),
            at => at,
        };
        match user_end.map(|at| (&url[..at], &url[at..])) {
            Some((user, host)) if user.contains(':') => {
                shown.push_str(user.split(':').next().unwrap_or_default());
                shown.push(':');
                shown.push_str(HIDDEN);
                shown.push_str(host);
            }
            _ => shown.push_str(url),
        }
        rest = following;
    }
    shown.push_str(rest);
    shown
}

/// Returns what follows the scheme of a URL, without user, password and parameters.
fn host_and_path(rest: &str) -> String {
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#', ';']).unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let port = if host.ends_with(']') { "" } else { host.rsplit_once(':').map_or("", |(_, port)| port) };
    // An `@` in the path: perhaps the password has a `/`, `?` or `#`. A port that is no number: perhaps it is the password of
    // a user without a host.
    if path.contains('@') || !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return HIDDEN.to_owned();
    }
    let path = path.split(['?', '#', ';']).next().unwrap_or_default();
    format!("{host}{path}")
}

/// Returns a text that is no URL, without what can be a password: what is before an `@` with a `:` before it, what follows
/// the word `password`, and parameters.
fn without_password(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    // Lower case changes no lengths in ASCII.
    if let Some(at) = ["password", "passwd", "pwd"].iter().filter_map(|word| lower.find(word)).min() {
        return format!("{}{HIDDEN}", &text[..at]);
    }
    match text.rsplit_once('@') {
        Some((before, after)) if before.contains(':') => {
            format!("{HIDDEN}@{}", after.split('?').next().unwrap_or_default())
        }
        _ => text.split('?').next().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{redacted, without_url_passwords};

    #[test]
    fn a_text_is_shown_without_the_passwords_of_its_urls() {
        for (text, shown) in [
            ("no URL at all: a@b", "no URL at all: a@b"),
            ("GET https://host/path?mail=a@b.c failed", "GET https://host/path?mail=a@b.c failed"),
            ("GET https://host:8080/path?mail=a@b.c failed", "GET https://host:8080/path?mail=a@b.c failed"),
            (
                "`https://user:secret@host/path` and http://u:p@h",
                "`https://user:[…]@host/path` and http://u:[…]@h",
            ),
            ("(postgres://user:se/cret@host/name)", "(postgres://user:[…]@host/name)"),
            ("postgres://user:se@cret@host", "postgres://user:[…]@host"),
            ("https://user@host", "https://user@host"),
            ("https://[::1]/path@x", "https://[::1]/path@x"),
            ("a:// b://", "a:// b://"),
        ] {
            assert_eq!(without_url_passwords(text.to_owned()), shown);
        }
    }

    #[test]
    fn a_location_is_shown_without_passwords() {
        for (location, shown) in [
            ("postgres://user:secret@host:5432/name?sslmode=require", "postgres://host:5432/name"),
            ("postgres://host/name?password=secret", "postgres://host/name"),
            ("postgres://user:se@cret@host/name", "postgres://host/name"),
            ("postgres://user:secret@[::1]:5432/name", "postgres://[::1]:5432/name"),
            ("postgres://user:secret@[::1]/name", "postgres://[::1]/name"),
            ("POSTGRES://user:secret@host/name", "POSTGRES://host/name"),
            (" postgres://user:secret@host/name", " postgres://host/name"),
            ("'postgres://user:secret@host/name'", "'postgres://host/name'"),
            ("mysql://user:secret@host/name", "mysql://host/name"),
            ("jdbc:postgresql://host/name;password=secret", "jdbc:postgresql://host/name"),
            ("DATABASE_URL=postgres://user:secret@host/name", "DATABASE_URL=postgres://host/name"),
            ("PGPASSWORD=secret postgres://user@host/name", "PG[…]://host/name"),
            ("postgres://user:sec/ret@host/name", "postgres://[…]"),
            ("postgres://user:sec?ret@host/name", "postgres://[…]"),
            ("postgres://user:sec#ret@host/name", "postgres://[…]"),
            ("postgres://user:secret", "postgres://[…]"),
            ("postgres:user:secret@host/name", "[…]@host/name"),
            ("postgres:/user:secret@host/name", "[…]@host/name"),
            ("user:secret@host/name", "[…]@host/name"),
            ("host=localhost password=secret user=me", "host=localhost […]"),
            ("host=localhost PASSWORD = secret", "host=localhost […]"),
            ("data/runs.db?key=secret", "data/runs.db"),
            ("/home/me@work/runs.db", "/home/me@work/runs.db"),
        ] {
            assert_eq!(redacted(location), shown, "{location}");
        }
    }
}

//! The health check of a service in the one form that every platform takes when it is switched off.

use crate::compose::HealthCheck;
use crate::document::node::{Entry, Node, Span, Table, Value};

/// One that is off is `disable` and nothing else, one that is not has no `disable`: docker-compose 1.29 refuses it together with other keys, and a
/// stack together with `test`. An environment that switches off the check of the base has both.
pub(super) fn settle(service: &mut Table, meaning: Option<&HealthCheck>) {
    let Some(entry) = service.entry("healthcheck").cloned() else { return };
    let Value::Table(mut check) = entry.node.value else { return };
    if meaning.is_some_and(|meaning| meaning.is_off) {
        check = Table::default();
        let on = Node { span: entry.node.span, value: Value::Boolean(true) };
        check.insert("disable", Entry { key_span: entry.key_span, node: on });
    } else {
        check.remove("disable");
    }
    put(service, entry.key_span, entry.node.span, check);
}

fn put(service: &mut Table, key_span: Span, span: Span, check: Table) {
    if check.is_empty() {
        service.remove("healthcheck");
    } else {
        service.insert("healthcheck", Entry { key_span, node: Node { span, value: Value::Table(check) } });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose;
    use crate::document::Context;
    use crate::document::parse;

    /// A service as written, and what it means.
    fn service(healthcheck: &str) -> (Table, compose::Service) {
        let mut context = Context::new("bootstrap.toml".into());
        let table = parse(&format!("healthcheck = {{ {healthcheck} }}"), &mut context);
        assert!(table.get("healthcheck").is_some(), "{healthcheck}");
        let meaning = compose::Service::read(&table, &mut context);
        (table, meaning)
    }

    fn is_on(service: &(Table, compose::Service)) -> bool {
        service.1.has_health_check()
    }

    fn is_off(service: &(Table, compose::Service)) -> bool {
        service.1.has_health_check_off()
    }

    /// The keys that are left of a check.
    fn settled(healthcheck: &str) -> Vec<String> {
        let (mut service, meaning) = service(healthcheck);
        settle(&mut service, meaning.health_check.as_ref());
        service.table("healthcheck").into_iter().flat_map(Table::keys).map(str::to_owned).collect()
    }

    #[test]
    fn a_check_that_is_off_is_none() {
        for off in [
            r#"test = ["NONE"]"#,
            r#"test = ["NONE"], interval = "5s""#,
            "disable = true",
            r#"disable = "true""#,
            r#"disable = true, test = ["CMD", "probe"]"#,
        ] {
            assert!(is_off(&service(off)) && !is_on(&service(off)), "{off}");
            assert_eq!(settled(off), ["disable"], "{off}");
        }
    }

    #[test]
    fn a_check_that_is_declared_is_on() {
        for on in [r#"test = ["CMD", "probe"]"#, r#"test = "NONE""#, r#"test = "probe", disable = false"#] {
            assert!(is_on(&service(on)) && !is_off(&service(on)), "{on}");
            assert_eq!(settled(on), ["test"], "{on}");
        }
    }

    #[test]
    fn what_only_times_the_check_of_the_image_is_neither() {
        let timed = r#"interval = "5s""#;
        assert!(!is_on(&service(timed)) && !is_off(&service(timed)));
        assert_eq!(settled(timed), ["interval"]);
        assert_eq!(settled("disable = false"), Vec::<String>::new());
    }
}

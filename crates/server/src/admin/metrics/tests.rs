//! What a monitor makes of it, by a reader that knows nothing of the writer.

#![expect(clippy::float_cmp, reason = "these are counts")]

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::admin::status::example;

/// A family: its kind and its samples, by name and labels.
#[derive(Debug, Default)]
struct Family {
    kind: String,
    samples: BTreeMap<(String, Vec<(String, String)>), f64>,
}

/// Reads the text exposition format, version 0.0.4, and accepts nothing else.
fn read(text: &str) -> BTreeMap<String, Family> {
    assert!(text.ends_with('\n'), "the last line ends, too");
    let mut families = BTreeMap::<String, Family>::new();
    let mut current = String::new();
    let mut helped = BTreeSet::new();
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').expect(line);
            assert!(!help.is_empty() && helped.insert(name), "{line}");
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect(line);
            assert!(helped.contains(name), "help comes first: {line}");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            name.clone_into(&mut current);
            let family = Family {
                kind: kind.to_owned(),
                ..Family::default()
            };
            assert!(families.insert(current.clone(), family).is_none(), "{line}");
        } else {
            let (name, labels, value) = sample(line);
            let family = families.get_mut(&current).expect(line);
            let suffixes: &[&str] = match &*family.kind {
                "histogram" => &["_bucket", "_sum", "_count"],
                _ => &[""],
            };
            let suffix = name.strip_prefix(&*current).expect(line);
            assert!(suffixes.contains(&suffix), "of another family: {line}");
            let twice = family.samples.insert((name, labels), value);
            assert!(twice.is_none(), "{line}");
        }
    }
    families
}

fn sample(line: &str) -> (String, Vec<(String, String)>, f64) {
    let end = line.find(['{', ' ']).expect(line);
    let (name, mut rest) = line.split_at(end);
    let is_name = |name: &str| {
        let first = name.chars().next();
        first.is_some_and(|it| it.is_ascii_alphabetic() || it == '_')
            && name
                .chars()
                .all(|it| it.is_ascii_alphanumeric() || it == '_')
    };
    assert!(is_name(name), "{line}");
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, value) = rest.split_once("=\"").expect(line);
            assert!(is_name(label), "{line}");
            let mut text = String::new();
            let mut characters = value.chars();
            loop {
                match characters.next().expect(line) {
                    '"' => break,
                    '\\' => text.push(match characters.next().expect(line) {
                        'n' => '\n',
                        escaped @ ('\\' | '"') => escaped,
                        _ => panic!("{line}"),
                    }),
                    character => text.push(character),
                }
            }
            labels.push((label.to_owned(), text));
            rest = characters.as_str();
            match rest.strip_prefix(',') {
                Some(more) => rest = more,
                None => break,
            }
        }
        rest = rest.strip_prefix('}').expect(line);
    }
    let value = rest.strip_prefix(' ').expect(line).parse().expect(line);
    (name.to_owned(), labels, value)
}

#[test]
fn a_monitor_can_read_it() {
    let mut status = example();
    // Two applications, one with a name that needs care.
    let mut other = status.applications[0].clone();
    other.name = "a \"b\" \\ c\nd".to_owned();
    status.applications.push(other);
    let families = read(&metrics(&status));

    for (name, family) in &families {
        assert_eq!(
            family.kind == "counter",
            name.ends_with("_total"),
            "{name}: {}",
            family.kind
        );
        assert!(!family.samples.is_empty(), "{name}");
        if family.kind == "histogram" {
            assert!(name.ends_with("_seconds"), "{name}");
            check_histogram(name, family);
        }
    }
    let requests = &families["peregrine_http_requests_total"];
    let count = |application: &str, status: &str| {
        let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let labels = vec![label("application", application), label("status", status)];
        requests.samples[&("peregrine_http_requests_total".to_owned(), labels)]
    };
    assert_eq!(count("forum", "2xx"), 184.0);
    assert_eq!(count("forum", "none"), 2.0);
    assert_eq!(count("a \"b\" \\ c\nd", "5xx"), 3.0);
}

fn check_histogram(name: &str, family: &Family) {
    let mut series = BTreeMap::<&str, Vec<(f64, f64)>>::new();
    for ((sample, labels), value) in &family.samples {
        if sample.ends_with("_bucket") {
            let bound = labels.iter().find(|(label, _)| label == "le").unwrap();
            let bound = bound.1.replace("+Inf", "inf").parse().unwrap();
            series
                .entry(&labels[0].1)
                .or_default()
                .push((bound, *value));
        }
    }
    assert_eq!(series.len(), 2, "{name}");
    for (application, mut buckets) in series {
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert!(
            buckets.is_sorted_by_key(|(_, count)| *count),
            "{name}: {buckets:?}"
        );
        let (bound, all) = buckets[buckets.len() - 1];
        assert!(bound.is_infinite(), "{name}: {buckets:?}");
        let labels = vec![("application".to_owned(), application.to_owned())];
        let count = family.samples[&(format!("{name}_count"), labels.clone())];
        assert_eq!(count, all, "{name}");
        assert!(
            family.samples[&(format!("{name}_sum"), labels)] > 0.0,
            "{name}"
        );
    }
}

#[test]
fn no_label_has_a_value_for_each_process_or_request() {
    let text = metrics(&example());
    for (name, family) in read(&text) {
        for (_, labels) in family.samples.keys() {
            for (label, value) in labels {
                let bounded = [
                    "application",
                    "by",
                    "cache",
                    "le",
                    "outcome",
                    "reason",
                    "state",
                    "status",
                    "version",
                ];
                assert!(bounded.contains(&&**label), "{name}: {label}={value}");
            }
        }
    }
}

#[test]
fn what_is_not_there_is_not_told() {
    let mut status = example();
    status.usage = None;
    status.applications[0].pool = None;
    status.applications[0].cache = None;
    status.applications[0].requests.latency_ms = None;
    let text = metrics(&status);
    assert!(!text.contains("process_cpu_seconds_total"), "{text}");
    for part in ["peregrine_pool_processes{", "peregrine_cache_entries{"] {
        assert!(!text.contains(part), "{text}");
    }
    assert!(text.contains("peregrine_http_requests_in_flight{application=\"forum\"} 4\n"));
}

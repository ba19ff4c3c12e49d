use super::{
    number,
    text::{Kind, Text},
};
use crate::admin::status::{ApplicationStatus, BuffersStatus};

/// What waits for slow clients.
pub(super) fn write(text: &mut Text, applications: &[ApplicationStatus]) {
    type Told = fn(&BuffersStatus) -> u64;
    let families: [(&str, &str, Told); 4] = [
        (
            "memory_bytes",
            "Bodies of requests and answers that wait in memory.",
            |it| it.memory_bytes,
        ),
        ("memory_max_bytes", "What may wait there.", |it| {
            it.memory_max_bytes
        }),
        (
            "file_bytes",
            "Bodies of requests and answers that wait in files.",
            |it| it.file_bytes,
        ),
        ("file_max_bytes", "What may wait there.", |it| {
            it.file_max_bytes
        }),
    ];
    for (name, help, told) in families {
        text.family(&format!("peregrine_buffer_{name}"), Kind::Gauge, help);
        for it in applications {
            let labels = [("application", &*it.name)];
            text.sample(&labels, number(told(&it.buffers)));
        }
    }
}

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| turbocache::fuzzing::cache_tags(data));

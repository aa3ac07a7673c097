//! The keyed hash over argument areas of ordinary and of extreme length.

use std::hint::black_box;

use claw_common::hash::{Key, of_parts};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn hash(criterion: &mut Criterion) {
    let key = Key([0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908]);
    let mut group = criterion.benchmark_group("hash");
    for len in [64usize, 4 << 10, 128 << 10] {
        let area = vec![b'x'; len];
        group.throughput(Throughput::Bytes(len as u64));
        group.bench_function(format!("{len} bytes"), |bench| {
            bench.iter(|| of_parts(key, [black_box(area.as_slice())]));
        });
    }
    group.finish();
}

criterion_group!(benches, hash);
criterion_main!(benches);

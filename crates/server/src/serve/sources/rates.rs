use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use peregrine::request_accounting::{Rates, RequestAccounting};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};

use crate::admin::RatesStatus;

/// How often the counter is read.
const PERIOD: Duration = Duration::from_secs(5);

/// How many requests end per second. Read off the counter from time to time, so
/// that no request has to do with it.
#[derive(Debug)]
pub(super) struct SampledRates {
    requests: RequestAccounting,
    rates: Arc<Mutex<Rates>>,
    /// Aborted on drop.
    _sampler: JoinSet<()>,
}

impl SampledRates {
    /// Must be called inside a runtime.
    pub(super) fn of(requests: RequestAccounting) -> Self {
        let rates = Arc::new(Mutex::new(Rates::new()));
        let mut sampler = JoinSet::new();
        sampler.spawn(sample(requests.clone(), Arc::clone(&rates)));
        Self {
            requests,
            rates,
            _sampler: sampler,
        }
    }

    /// Over the last 1, 5 and 15 minutes; absent before anything can be said.
    pub(super) fn look(&self) -> Option<RatesStatus> {
        let finished = self.requests.snapshot().finished;
        let rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let over =
            |minutes: u64| rates.per_second(now, finished, Duration::from_secs(60 * minutes));
        Some(RatesStatus {
            minute: over(1)?,
            five_minutes: over(5)?,
            fifteen_minutes: over(15)?,
        })
    }
}

async fn sample(requests: RequestAccounting, rates: Arc<Mutex<Rates>>) {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let now = ticks.tick().await;
        let finished = requests.snapshot().finished;
        let mut rates = rates.lock().unwrap_or_else(PoisonError::into_inner);
        rates.record(now, finished);
    }
}

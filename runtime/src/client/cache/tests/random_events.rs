use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use super::support::{advance, cache, living};
use crate::client::{cache::Renewal, credential::Credential, token::TokenSourceError};

/// An event in the life of a cache.
#[derive(Clone, Debug)]
enum Event {
    TimePasses(u64),
    Call,
    /// A server rejects the credential of the call with this number.
    Rejected(usize),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        (0_u64..40_000).prop_map(Event::TimePasses),
        Just(Event::Call),
        Just(Event::Call),
        any::<usize>().prop_map(Event::Rejected),
    ];
    proptest::collection::vec(event, 1..60)
}

/// The results of a source: a new token with this lifetime, the same one again, or an error.
fn results() -> impl Strategy<Value = Vec<(u8, u64)>> {
    proptest::collection::vec((0_u8..4, 1_u64..120), 200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// For any sequence of events: no call uses a token whose lifetime has ended, the replacement of a rejected
    /// credential differs from it, and fetches after rejections are at least an interval apart.
    #[test]
    fn no_expired_and_no_rejected_token_is_used(
        events in events(),
        results in results(),
    ) {
        const INTERVAL: Duration = Duration::from_secs(7);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let scripted = results.iter().enumerate().map(|(number, (kind, lifetime))| match kind {
                0 => Err(TokenSourceError::unreachable("down")),
                1 => living("same", *lifetime),
                _ => living(&format!("token-{number}-{lifetime}"), *lifetime),
            });
            let (cache, source) = cache(scripted);
            let mut used: Vec<Credential> = Vec::new();
            let mut rejection_fetches: Vec<Instant> = Vec::new();
            for event in &events {
                match event {
                    Event::TimePasses(millis) => advance(*millis).await,
                    Event::Call => {
                        if let Ok(credential) = cache.credential().await {
                            let over = cache.lock().entry.as_ref().is_some_and(|entry| {
                                entry.credential.is_same(&credential)
                                    && entry.schedule.has_ended(Instant::now())
                            });
                            prop_assert!(!over, "the lifetime of this token has ended");
                            used.push(credential);
                        }
                    }
                    Event::Rejected(which) => {
                        if used.is_empty() {
                            continue;
                        }
                        let rejected = used[which % used.len()].clone();
                        let before = source.fetches();
                        let pending = cache.lock().flight.current().is_some();
                        let renewing = cache.reject(&rejected, INTERVAL);
                        if let Renewal::Newer(newer) = cache.renewal(renewing, &rejected).await {
                            prop_assert!(!newer.is_same(&rejected));
                        }
                        if source.fetches() > before && !pending {
                            let now = Instant::now();
                            if let Some(last) = rejection_fetches.last() {
                                prop_assert!(now.duration_since(*last) >= INTERVAL);
                            }
                            rejection_fetches.push(now);
                        }
                    }
                }
                prop_assert!(source.fetches() <= 200);
            }
            Ok(())
        })?;
    }
}

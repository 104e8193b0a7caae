use std::{
    collections::VecDeque,
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
};

use proptest::prelude::*;

use super::*;

/// Gives what it is told to, and counts.
#[derive(Clone, Default)]
struct Told(Arc<Inner>);

#[derive(Default)]
struct Inner {
    answers: Mutex<VecDeque<Result<Token, TokenSourceError>>>,
    fetches: AtomicUsize,
}

impl ErasedSource for Told {
    fn token(&self) -> Pin<Box<dyn Future<Output = Result<Token, TokenSourceError>> + Send + '_>> {
        self.0.fetches.fetch_add(1, Ordering::SeqCst);
        let answer = self.0.answers.lock().unwrap().pop_front().expect("no more was asked for");
        Box::pin(std::future::ready(answer))
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(1)
    }
}

fn cache(answers: impl IntoIterator<Item = Result<Token, TokenSourceError>>) -> (Arc<Cache>, Told) {
    let told = Told::default();
    told.0.answers.lock().unwrap().extend(answers);
    (Cache::new(Box::new(told.clone()), Form::Bearer), told)
}

fn bearer(token: &str) -> Credential {
    Credential::bearer(token).unwrap()
}

impl Told {
    fn fetches(&self) -> usize {
        self.0.fetches.load(Ordering::SeqCst)
    }
}

fn down() -> Result<Token, TokenSourceError> {
    Err(TokenSourceError::unreachable("down"))
}

fn living(token: &str, secs: u64) -> Result<Token, TokenSourceError> {
    Ok(Token::new(token).expires_in(Duration::from_secs(secs)))
}

async fn uses(cache: &Arc<Cache>, token: &str) -> bool {
    let credential = cache.credential().await;
    // Lets a fetch that this began come to its end.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    credential.is_ok_and(|credential| credential.is_same(&bearer(token)))
}

async fn advance(millis: u64) {
    tokio::time::advance(Duration::from_millis(millis)).await;
}

#[tokio::test(start_paused = true)]
async fn a_token_goes_through_its_life() {
    let (cache, source) = cache([living("a", 100), living("b", 100)]);
    assert!(uses(&cache, "a").await);
    advance(49_900).await;
    assert!(uses(&cache, "a").await);
    assert_eq!(source.fetches(), 1);
    // A refresh begins, and this call doesn't wait for it.
    advance(200).await;
    assert!(uses(&cache, "a").await);
    assert_eq!(source.fetches(), 2);
    assert!(uses(&cache, "b").await);
    assert_eq!(source.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stale_token_waits_for_a_new_one() {
    let (cache, source) = cache([living("a", 100), living("b", 100)]);
    assert!(uses(&cache, "a").await);
    advance(75_100).await;
    assert!(uses(&cache, "b").await);
    assert_eq!(source.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_fails_keeps_the_token_until_its_end_and_pauses() {
    let (cache, source) = cache([living("a", 100), down(), down(), down(), living("b", 100)]);
    assert!(uses(&cache, "a").await);
    advance(60_000).await;
    assert!(uses(&cache, "a").await);
    assert!(uses(&cache, "a").await);
    assert_eq!(source.fetches(), 2, "there is a pause");
    // Beyond every jitter, and the token counts as expired: it is used all the same.
    advance(20_000).await;
    assert!(uses(&cache, "a").await);
    assert_eq!(source.fetches(), 3);
    assert!(uses(&cache, "a").await, "the last error is kept, and so is the token");
    assert_eq!(source.fetches(), 3);
    advance(20_100).await;
    assert!(
        cache.credential().await.is_err_and(|error| error.is_unreachable()),
        "its life is over"
    );
    assert_eq!(source.fetches(), 4);
    assert!(cache.credential().await.is_err(), "the last error is kept");
    assert_eq!(source.fetches(), 4);
    advance(10_000).await;
    assert!(uses(&cache, "b").await);
}

#[tokio::test(start_paused = true)]
async fn a_success_ends_the_row_of_failures() {
    let answers = [down(), down(), living("a", 100), down(), living("b", 100)];
    let (cache, source) = cache(answers);
    for _ in 0..2 {
        cache.credential().await.unwrap_err();
        advance(5_000).await;
    }
    assert!(uses(&cache, "a").await);
    advance(60_000).await;
    assert!(uses(&cache, "a").await);
    // The first pause again, not the third.
    advance(1_250).await;
    assert!(uses(&cache, "a").await);
    assert_eq!(source.fetches(), 5);
    assert!(uses(&cache, "b").await);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_keeps_its_token_is_asked_now_and_then() {
    let (cache, source) =
        cache([living("a", 100), living("a", 40), living("a", 38), living("b", 100)]);
    assert!(uses(&cache, "a").await);
    advance(60_000).await;
    assert!(uses(&cache, "a").await);
    assert!(uses(&cache, "a").await);
    assert_eq!(source.fetches(), 2);
    advance(1_100).await;
    assert!(uses(&cache, "a").await);
    assert_eq!(source.fetches(), 3);
    // It counts as expired when it would have, not later.
    advance(14_000).await;
    assert!(uses(&cache, "b").await);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_looks_for_a_newer_token_now_and_then_is_asked_no_more_often() {
    let check = Duration::from_secs(20);
    let left = |token: &str, secs| living(token, secs).map(|token| token.refresh_after(check));
    let (cache, source) = cache([left("a", 100), left("a", 80), left("a", 60), left("b", 100)]);
    assert!(uses(&cache, "a").await);
    let mut now = 0;
    for (second, fetches) in [(19, 1), (20, 2), (21, 2), (39, 2), (40, 3), (49, 3)] {
        advance((second - now) * 1000).await;
        now = second;
        assert!(uses(&cache, "a").await, "{second}");
        assert_eq!(source.fetches(), fetches, "at {second} s");
    }
    // Near its end a new one is due, before the source wanted to be asked again.
    advance(1_100).await;
    assert!(uses(&cache, "a").await);
    assert_eq!(source.fetches(), 4);
    assert!(uses(&cache, "b").await);
}

#[tokio::test(start_paused = true)]
async fn a_late_refusal_finds_the_newer_token() {
    let (cache, source) = cache([Ok(Token::new("a")), Ok(Token::new("b"))]);
    assert!(uses(&cache, "a").await);
    let interval = Duration::ZERO;
    let renewing = cache.refused(&bearer("a"), interval);
    let newer = cache.renewed(renewing, &bearer("a")).await;
    assert!(matches!(newer, Renewal::Newer(newer) if newer.is_same(&bearer("b"))));
    let late = cache.refused(&bearer("a"), interval);
    assert!(matches!(late, Renewing::Done(Renewal::Newer(newer)) if newer.is_same(&bearer("b"))));
    assert_eq!(source.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn refusals_are_an_interval_apart() {
    let (cache, source) = cache(["a", "b", "c"].map(|token| Ok(Token::new(token))));
    assert!(uses(&cache, "a").await);
    let interval = Duration::from_secs(5);
    let renewing = cache.refused(&bearer("a"), interval);
    cache.renewed(renewing, &bearer("a")).await;
    advance(4_900).await;
    let soon = cache.refused(&bearer("b"), interval);
    assert!(matches!(soon, Renewing::Done(Renewal::NothingNewer)));
    advance(200).await;
    let renewing = cache.refused(&bearer("b"), interval);
    let newer = cache.renewed(renewing, &bearer("b")).await;
    assert!(matches!(newer, Renewal::Newer(newer) if newer.is_same(&bearer("c"))));
    assert_eq!(source.fetches(), 3);
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_the_fetch_that_a_refusal_began() {
    let (cache, source) = cache([Ok(Token::new("a")), Ok(Token::new("b"))]);
    assert!(uses(&cache, "a").await);
    let _renewing = cache.refused(&bearer("a"), Duration::ZERO);
    assert!(matches!(cache.lookup(), Lookup::Wait(_)), "the refused one isn't sent meanwhile");
    assert!(uses(&cache, "b").await);
    assert_eq!(source.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_respects_the_pause_after_a_failure() {
    let (cache, source) = cache([Ok(Token::new("a")), down()]);
    assert!(uses(&cache, "a").await);
    let renewing = cache.refused(&bearer("a"), Duration::ZERO);
    assert!(matches!(cache.renewed(renewing, &bearer("a")).await, Renewal::Failed(_)));
    let again = cache.refused(&bearer("a"), Duration::ZERO);
    assert!(matches!(again, Renewing::Done(Renewal::Failed(_))));
    assert!(uses(&cache, "a").await, "it is what there is");
    assert_eq!(source.fetches(), 2);
}

#[test]
fn a_fetch_whose_runtime_is_gone_is_begun_anew() {
    struct Slow(AtomicUsize);
    impl ErasedSource for Slow {
        fn token(
            &self,
        ) -> Pin<Box<dyn Future<Output = Result<Token, TokenSourceError>> + Send + '_>> {
            match self.0.fetch_add(1, Ordering::SeqCst) {
                0 => Box::pin(std::future::pending()),
                _ => Box::pin(std::future::ready(Ok(Token::new("b")))),
            }
        }
        fn deadline(&self) -> Duration {
            Duration::from_secs(60)
        }
    }
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cache = Cache::new(Box::new(Slow(AtomicUsize::new(0))), Form::Bearer);
    let gone = runtime();
    let flight = gone.block_on(async {
        let Lookup::Wait(flight) = cache.lookup() else { panic!("nothing is there yet") };
        tokio::task::yield_now().await;
        flight
    });
    drop(gone);
    runtime().block_on(async {
        assert!(cache.landed(flight).await.is_none());
        assert!(cache.credential().await.unwrap().is_same(&bearer("b")));
    });
}

/// Two threads that block on runtimes of their own share a token. One began a fetch and does other things now.
#[test]
fn a_fetch_on_a_runtime_that_nobody_drives_is_begun_anew() {
    struct Counted(AtomicUsize);
    impl ErasedSource for Counted {
        fn token(
            &self,
        ) -> Pin<Box<dyn Future<Output = Result<Token, TokenSourceError>> + Send + '_>> {
            let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
            Box::pin(std::future::ready(Ok(Token::new(format!("t-{number}")))))
        }
        fn deadline(&self) -> Duration {
            Duration::from_millis(1)
        }
    }
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cache = Cache::new(Box::new(Counted(AtomicUsize::new(0))), Form::Bearer);
    let still = runtime();
    let flight = still.block_on(async {
        let Lookup::Wait(flight) = cache.lookup() else { panic!("nothing is there yet") };
        flight
    });
    let driven = runtime();
    let limit = Duration::from_secs(60);
    driven.block_on(async {
        let credential = tokio::time::timeout(limit, cache.credential()).await;
        assert!(credential.expect("it ends").unwrap().is_same(&bearer("t-1")));
    });
    // What was given up comes to its end, and changes nothing.
    still.block_on(async {
        let late = tokio::time::timeout(limit, cache.landed(flight)).await.expect("it ends");
        assert!(late.unwrap().unwrap().is_same(&bearer("t-2")));
        assert!(cache.credential().await.unwrap().is_same(&bearer("t-1")));
    });
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_stands_still_is_begun_anew() {
    let (cache, source) = cache([living("a", 100), living("b", 100)]);
    assert!(uses(&cache, "a").await);
    advance(60_000).await;
    let _still = cache.fetch(&mut cache.lock());
    advance(1_900).await;
    assert!(uses(&cache, "a").await);
    assert_eq!(source.fetches(), 1, "it may yet come");
    advance(200).await;
    assert!(uses(&cache, "a").await);
    assert!(uses(&cache, "b").await);
    assert_eq!(source.fetches(), 2);
}

#[test]
fn without_a_runtime_there_is_an_error() {
    let (cache, _) = cache([]);
    let Lookup::Wait(flight) = cache.lookup() else { panic!("nothing is there yet") };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert!(runtime.block_on(cache.landed(flight)).unwrap().is_err());
}

#[test]
fn a_runtime_that_was_shut_down_leaves_no_lock_and_no_fetch_behind() {
    let (cache, _) = cache([]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let handle = runtime.handle().clone();
    drop(runtime);
    let (done, ended) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let _entered = handle.enter();
        done.send(matches!(cache.lookup(), Lookup::Wait(_)) && cache.lock().flight.is_none())
    });
    assert_eq!(ended.recv_timeout(Duration::from_secs(20)), Ok(true));
}

/// What may happen to a cache.
#[derive(Clone, Debug)]
enum Event {
    Passes(u64),
    Call,
    /// A server refuses the credential that the call of this number carried.
    Refused(usize),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        (0_u64..40_000).prop_map(Event::Passes),
        Just(Event::Call),
        Just(Event::Call),
        any::<usize>().prop_map(Event::Refused),
    ];
    proptest::collection::vec(event, 1..60)
}

/// What a source answers, one after the other: a token of its own with a life, the same one again, or
/// an error.
fn answers() -> impl Strategy<Value = Vec<(u8, u64)>> {
    proptest::collection::vec((0_u8..4, 1_u64..120), 200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// However time, calls, refusals and the source's moods follow each other: no call carries a token
    /// whose life is over, what is offered instead of a refused credential differs from it, and
    /// refusals ask no more often than they may.
    #[test]
    fn whatever_happens_no_dead_and_no_refused_token_is_offered(
        events in events(),
        answers in answers(),
    ) {
        const INTERVAL: Duration = Duration::from_secs(7);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let scripted = answers.iter().enumerate().map(|(number, (mood, life))| match mood {
                0 => Err(TokenSourceError::unreachable("down")),
                1 => living("same", *life),
                _ => living(&format!("token-{number}-{life}"), *life),
            });
            let (cache, source) = cache(scripted);
            let mut carried: Vec<Credential> = Vec::new();
            let mut refusal_fetches: Vec<Instant> = Vec::new();
            for event in &events {
                match event {
                    Event::Passes(millis) => advance(*millis).await,
                    Event::Call => {
                        if let Ok(credential) = cache.credential().await {
                            let over = cache.lock().entry.as_ref().is_some_and(|entry| {
                                entry.credential.is_same(&credential)
                                    && entry.times.is_over(Instant::now())
                            });
                            prop_assert!(!over, "a token whose life is over");
                            carried.push(credential);
                        }
                    }
                    Event::Refused(which) => {
                        if carried.is_empty() {
                            continue;
                        }
                        let refused = carried[which % carried.len()].clone();
                        let before = source.fetches();
                        let pending = cache.lock().flight.is_some();
                        let renewing = cache.refused(&refused, INTERVAL);
                        if let Renewal::Newer(newer) = cache.renewed(renewing, &refused).await {
                            prop_assert!(!newer.is_same(&refused));
                        }
                        if source.fetches() > before && !pending {
                            let now = Instant::now();
                            if let Some(last) = refusal_fetches.last() {
                                prop_assert!(now.duration_since(*last) >= INTERVAL);
                            }
                            refusal_fetches.push(now);
                        }
                    }
                }
                prop_assert!(source.fetches() <= 200);
            }
            Ok(())
        })?;
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_keeps_its_token_to_the_end_is_not_stormed() {
    let end = Instant::now() + Duration::from_secs(120);
    let (cache, told) = cache([]);
    let begin = Instant::now();
    let mut fetches = 0;
    while Instant::now() < begin + Duration::from_secs(300) {
        let left = end.saturating_duration_since(Instant::now());
        let answer = Ok(Token::new("same").expires_in(left));
        *told.0.answers.lock().unwrap() = VecDeque::from([answer]);
        let _ = cache.credential().await;
        tokio::time::advance(Duration::from_millis(10)).await;
        fetches = told.fetches();
    }
    // Of thirty thousand calls.
    assert!(fetches < 150, "{fetches}");
}

#[test]
fn a_token_that_could_not_be_had_is_no_refusal_of_a_handlers_caller() {
    use crate::client::{error::CallError, response};

    let error = CallError::no_token(TokenSourceError::unusable("invalid_client"));
    let status = tonic::Status::from_error(Box::new(error));
    assert_eq!(status.code(), tonic::Code::Unauthenticated);
    let response = status.into_http::<tonic::body::Body>().map(|_| tonic::body::Body::empty());
    let uri = "http://localhost/pkg.Service/Method".parse().unwrap();
    assert_eq!(response::classify(&response, &uri), response::Classification::NotRetryable);
}

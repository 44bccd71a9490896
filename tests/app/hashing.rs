use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use gatehouse::{
    client::Network,
    passwords::{Expected, Hasher, Password, Priority, foreign::PasswordHash},
};

use crate::support::{PASSWORD, TestApp, settings, wait_until};

// ASVS 15.2.2, 2.4.1
#[tokio::test]
async fn full_hash_queue_returns_503_at_once_and_other_pages_still_work() {
    let limits = ["--hash-threads", "1", "--hash-queue", "3", "--failure-rate", "0"];
    let app = TestApp::with(&[&["--trusted-proxies", "127.0.0.0/8"], &limits[..]].concat());
    let client = app.signed_in_client("zoe").await;
    let sign_ins = (0..40).map(|number| {
        let attacker = app.client().from_ip("198.51.100.7");
        async move { attacker.sign_in(&format!("name{number}"), PASSWORD).await }
    });
    let other_network = app.client().from_ip("198.51.100.8");
    let (answers, page, health, other) = tokio::join!(
        futures_util::future::join_all(sign_ins),
        client.get("/"),
        client.get("/healthz"),
        other_network.sign_in("zoe", PASSWORD)
    );
    assert_eq!(other.status, 303, "a network that fills the queue does not block other networks");
    let busy: Vec<_> = answers.iter().filter(|answer| answer.status == 503).collect();
    assert!(!busy.is_empty() && busy.len() < 40, "{} of 40 sign-ins were rejected", busy.len());
    for answer in &busy {
        crate::middleware::assert_security_headers(answer, "full queue");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("retry-after"), "5");
        assert!(answer.body.contains("Nothing is lost") && answer.body.contains("value=\"name"), "{}", answer.body);
    }
    assert!(answers.iter().all(|answer| matches!(answer.status, 422 | 503)));
    assert_eq!((page.status, health.status), (200, 200));
    let failed = i64::try_from(40 - busy.len()).unwrap();
    assert_eq!(app.event_count("sign_in_failed").await, failed, "a rejected attempt is not counted as a failure");
}

// ASVS 2.4.1
#[tokio::test]
async fn known_device_signs_in_while_the_queue_is_full_and_devices_of_other_accounts_do_not() {
    let limits = ["--hash-threads", "1", "--hash-queue", "3", "--failure-rate", "0"];
    let app = TestApp::with(&[&["--trusted-proxies", "127.0.0.0/8"], &limits[..]].concat());
    let known_browser_of = async |name, address: &str| {
        let device = app.signed_in_client(name).await.cookie("device").unwrap();
        let browser = app.client().from_ip(address);
        browser.set_cookie("device", &device);
        browser
    };
    let owner = known_browser_of("zoe", "203.0.113.1").await;
    let device_of_mallory = known_browser_of("mallory", "203.0.113.2").await.cookie("device").unwrap();

    let (ended, rejected) = (AtomicBool::new(false), AtomicUsize::new(0));
    let flood = (0..60).map(|number| {
        let client = app.client().from_ip(&format!("198.51.100.{number}"));
        let (ended, rejected) = (&ended, &rejected);
        async move {
            for attempt in 0.. {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                let answer = client.sign_in(&format!("name{number}-{attempt}"), PASSWORD).await;
                rejected.fetch_add(usize::from(answer.status == 503), Ordering::Relaxed);
            }
        }
    });
    let sign_ins = async {
        let mut rejected_mallory = 0;
        for attempt in 0..10 {
            let before = rejected.load(Ordering::Relaxed);
            while rejected.load(Ordering::Relaxed) < before + 20 {
                tokio::task::yield_now().await;
            }
            assert_eq!(owner.sign_in("zoe", PASSWORD).await.status, 303, "attempt {attempt}");
            let mallory = app.client().from_ip(&format!("203.0.113.{}", 100 + attempt));
            mallory.set_cookie("device", &device_of_mallory);
            rejected_mallory += u32::from(mallory.sign_in("zoe", PASSWORD).await.status == 503);
        }
        ended.store(true, Ordering::Relaxed);
        assert_ne!(rejected_mallory, 0, "the device of another account counts as unknown");
    };
    tokio::join!(futures_util::future::join_all(flood), sign_ins);
}

#[tokio::test]
async fn memory_of_the_hashing_threads_is_released_after_a_time_without_work() {
    let settings = settings(&["--hash-threads", "2"]);
    let password = || Password::parse(PASSWORD).unwrap();
    let reserve = |hasher: &Hasher| hasher.try_reserve(Network::NONE, Priority::UnknownDevice).unwrap();

    let patient = Hasher::with_idle_timeout(&settings, Duration::from_hours(1)).unwrap();
    assert_eq!(patient.memory_blocks(), 0, "no memory before the first hash");
    reserve(&patient).hash(password()).await.unwrap();
    assert_eq!(patient.memory_blocks(), 1, "the block is kept for the next hash");

    let hasher = Hasher::with_idle_timeout(&settings, Duration::from_millis(1)).unwrap();
    let (one, other) = (reserve(&hasher), reserve(&hasher));
    let (one, _) = tokio::join!(one.hash(password()), other.hash(password()));
    wait_until("the memory is released", Duration::from_mins(1), || (hasher.memory_blocks() == 0).then_some(()));
    let verified = reserve(&hasher)
        .verify(password(), Expected::Hash(PasswordHash::parse(&one.unwrap()).unwrap().into(), None))
        .await
        .unwrap();
    assert!(matches!(verified, gatehouse::passwords::Verification::Match { .. }), "a new block is allocated");
}

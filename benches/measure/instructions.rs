//! Instructions of one request without the socket, counted by callgrind: the only figure here that is the same each time.
//! Its machine has no SHA instructions, so signatures cost several times what they do in life.

use std::{
    env, fs,
    process::{Command, Stdio},
};

use actix_web::{
    App, HttpResponse,
    http::header,
    test::{self, TestRequest},
    web,
};

use crate::{
    house::{House, forged},
    support::program,
    table::{Goal, Table},
};

/// What is counted.
const SUBJECTS: [(&str, &str); 4] = [
    ("guarded", "`/` signed in"),
    ("login", "`/login` for a guest"),
    ("forged", "`/` with a forged cookie"),
    ("floor", "a bare handler of the same framework"),
];

pub fn measure(table: &mut Table) {
    let counts: Vec<u64> =
        SUBJECTS.iter().map(|(subject, _)| (count(subject, 3000) - count(subject, 1000)) / 2000).collect();
    let floor = counts[SUBJECTS.len() - 1];
    for ((_, what), count) in SUBJECTS.iter().zip(&counts).take(SUBJECTS.len() - 1) {
        table.add(
            format!("instructions of {what}, without the socket; of a bare handler"),
            format!("{count}"),
            format!("{floor}"),
            ((count - floor) as f64 / 1000.0, " thousand more"),
            Goal::None,
        );
    }
}

/// Instructions of a process that makes so many requests.
fn count(subject: &str, requests: u32) -> u64 {
    let output = Command::new(program(&["valgrind"], "valgrind"))
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe().unwrap())
        .args(["--subject", subject, "--requests", &requests.to_string()])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    let collected = text.lines().find_map(|line| line.split("Collected : ").nth(1)).unwrap_or_else(|| panic!("{text}"));
    collected.trim().parse().unwrap()
}

/// Makes the requests, in a process of their own.
pub fn run(subject: &str, requests: u32) {
    let house = House::empty("");
    house.fill(1);
    let session = house.open_sessions(1..=1).remove(0);
    let forged = forged(&session);
    let (path, cookie, status) = match subject {
        "guarded" => ("/", session, 200),
        "login" => ("/login", String::new(), 200),
        "forged" => ("/", forged, 303),
        _ => {
            let body = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/layout.html")).unwrap();
            let body = web::Bytes::from(body);
            let answer = move || {
                let body = body.clone();
                async move { HttpResponse::Ok().body(body) }
            };
            return actix_web::rt::System::new().block_on(async {
                let service = test::init_service(App::new().route("/", web::get().to(answer))).await;
                for _ in 0..requests {
                    let answer = test::call_service(&service, TestRequest::get().uri("/").to_request()).await;
                    assert_eq!(answer.status(), 200);
                }
            });
        }
    };
    house.with(async |app| {
        let service = test::init_service(gatehouse::server::service(app, |_| {})).await;
        for _ in 0..requests {
            let request = TestRequest::get().uri(path).insert_header((header::COOKIE, cookie.as_str())).to_request();
            let answer = match test::try_call_service(&service, request).await {
                Ok(answer) => answer.status(),
                Err(error) => error.as_response_error().status_code(),
            };
            assert_eq!(answer.as_u16(), status);
        }
    });
}

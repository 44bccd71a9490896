//! Instructions of one request without the socket, counted by callgrind: the only reproducible figure here. The
//! simulated processor has no SHA instructions, so signatures cost several times more than on real hardware.

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
    fixture::{Fixture, forged},
    support::program,
    table::{Goal, Table},
};

/// Requests that are counted: the value of `--subject`, and its name in the table.
const SUBJECTS: [(&str, &str); 4] = [
    ("guarded", "`/` signed in"),
    ("login", "`/login` for a guest"),
    ("forged", "`/` with a forged cookie"),
    ("baseline", "a bare handler of the same framework"),
];

pub fn measure(table: &mut Table) {
    let counts: Vec<u64> =
        SUBJECTS.iter().map(|(subject, _)| (count(subject, 3000) - count(subject, 1000)) / 2000).collect();
    let baseline = counts[SUBJECTS.len() - 1];
    for ((_, name), count) in SUBJECTS.iter().zip(&counts).take(SUBJECTS.len() - 1) {
        table.add(
            format!("instructions for {name}, without the socket; for a bare handler"),
            format!("{count}"),
            format!("{baseline}"),
            ((count - baseline) as f64 / 1000.0, " thousand more"),
            Goal::None,
        );
    }
}

/// Counts the instructions of a process that makes this number of requests.
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

/// Makes the requests. Called in the process that callgrind observes.
pub fn run(subject: &str, requests: u32) {
    let fixture = Fixture::empty("");
    fixture.fill(1);
    let session = fixture.create_sessions(1..=1).remove(0);
    let forged = forged(&session);
    let (path, cookie, status) = match subject {
        "guarded" => ("/", session, 200),
        "login" => ("/login", String::new(), 200),
        "forged" => ("/", forged, 303),
        _ => {
            let body = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/layout.html")).unwrap();
            let body = web::Bytes::from(body);
            let handler = move || {
                let body = body.clone();
                async move { HttpResponse::Ok().body(body) }
            };
            return actix_web::rt::System::new().block_on(async {
                let service = test::init_service(App::new().route("/", web::get().to(handler))).await;
                for _ in 0..requests {
                    let response = test::call_service(&service, TestRequest::get().uri("/").to_request()).await;
                    assert_eq!(response.status(), 200);
                }
            });
        }
    };
    fixture.with_app(async |app| {
        let service = test::init_service(gatehouse::server::build_app(app, |_| {})).await;
        for _ in 0..requests {
            let request = TestRequest::get().uri(path).insert_header((header::COOKIE, cookie.as_str())).to_request();
            let code = match test::try_call_service(&service, request).await {
                Ok(response) => response.status(),
                Err(error) => error.as_response_error().status_code(),
            };
            assert_eq!(code.as_u16(), status);
        }
    });
}

//! Pages beside the floor's: the same bytes and headers from a bare handler, the same workers, the same load.

use std::fs;

use crate::{
    Effort,
    floor::Answer,
    house::{House, forged},
    server::Server,
    table::{Goal, Table, median},
    wrk::{self, Request},
};

const CONNECTIONS: u32 = 32;
/// Sessions that are asked for in turn.
const SESSIONS: u64 = 10_000;

pub fn measure(effort: Effort, table: &mut Table) {
    let house = House::empty("");
    house.fill(SESSIONS);
    let sessions = house.open_sessions(1..=SESSIONS);
    let ours = house.serve(&[]);
    let forged = forged(&sessions[0]);

    let contests = [
        ("`/` signed in, one session", "/", vec![Request::get("/", Some(&sessions[0]))], 0.80),
        (
            "`/` signed in, 10,000 sessions in turn",
            "/",
            sessions.iter().map(|session| Request::get("/", Some(session))).collect(),
            0.60,
        ),
        ("`/login` for a guest", "/login", vec![Request::get("/login", None)], 0.85),
        ("`/` with a forged cookie, turned away", "/", vec![Request::get("/", Some(&forged))], 0.90),
    ];
    for (what, path, requests, goal) in contests {
        let cookie = requests[0].headers.first().map(|(_, value)| value.as_str());
        let answer = Answer::fetch(&ours.address, path, cookie);
        let file = house.folder().join("answers.json");
        fs::write(&file, serde_json::to_vec(&[&answer]).unwrap()).unwrap();
        let floor = Server::floor(&file);
        assert_eq!(Answer::fetch(&floor.address, path, cookie), answer, "the floor answers the same");

        let (mut rates, mut floors, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..effort.rounds {
            let one = wrk::run(&ours.address, &requests, CONNECTIONS, effort.seconds);
            let other = wrk::run(&floor.address, &requests, CONNECTIONS, effort.seconds);
            assert_eq!((one.bad, other.bad), (0, 0), "{what}: answers that are none");
            assert!((one.bytes / other.bytes - 1.0).abs() < 0.02, "{what}: {} and {} bytes", one.bytes, other.bytes);
            rates.push(one.per_second);
            floors.push(other.per_second);
            ratios.push(one.per_second / other.per_second);
        }
        let each = |rates| format!("{:.0} /s", median(rates));
        table.add(what, each(rates), each(floors), (median(ratios), ""), Goal::AtLeast(goal));
    }
}

//! The connections of a worker: how long each may wait for its client, and how many there may be.
//!
//! actix-http 3.20 limits the time of the first head of a connection, and the time without any byte between two
//! requests. It waits without a limit for the rest of a later head, and for a client that does not read. Therefore
//! [`Stream`] stands between the socket and actix. It cannot see where a head ends, so it follows a rule that needs no
//! parser: a connection either handles a request or waits for its client. A wait stalls at the first byte of a head, or
//! when the client reads no more of a response, and then ends after [`MAX_STALL`]. Further bytes of a head do not
//! prolong it, so a client that sends one byte at a time gains nothing.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    io,
    pin::Pin,
    rc::{Rc, Weak},
    task::{Context, Poll, Waker},
    time::Duration,
};

use actix_web::{
    dev::Payload,
    error::PayloadError,
    rt::{self, net::TcpStream, time::interval},
    web::Bytes,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::clock::{Clock, Timestamp};

/// How long a connection waits for the rest of a head, or for its client to read more of a response.
const MAX_STALL: Duration = Duration::from_secs(30);
/// How often the waits are compared with [`MAX_STALL`].
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// The open connections of one worker.
pub(crate) struct Connections {
    clock: Clock,
    /// How many connections may be open before the one that waits longest is closed.
    max_open: usize,
    /// Counts connections and waits. Waits are compared by their numbers, because the clock of the system can be set
    /// back.
    next_number: Cell<u64>,
    open: RefCell<BTreeMap<u64, Rc<Connection>>>,
}

/// One connection, as its socket and its requests see it.
pub(crate) struct Connection {
    number: u64,
    connections: Weak<Connections>,
    wait: Cell<Option<Wait>>,
    is_closed: Cell<bool>,
    /// Wakes the task that serves the connection.
    waker: RefCell<Option<Waker>>,
}

/// A connection waits for its client.
#[derive(Debug, Clone, Copy)]
struct Wait {
    number: u64,
    /// Since when a head has been incomplete, or a response unread. Before that, the keep-alive of actix counts.
    stalled_since: Option<Timestamp>,
}

impl Connections {
    /// Returns the connections of a worker, and starts the task on its thread that closes those that wait too long.
    #[must_use]
    pub(crate) fn start(clock: Clock, max_open: usize) -> Rc<Self> {
        let connections = Rc::new(Self { clock, max_open, next_number: Cell::new(0), open: RefCell::default() });
        let swept = Rc::downgrade(&connections);
        rt::spawn(async move {
            let mut rounds = interval(SWEEP_INTERVAL);
            while let Some(connections) = swept.upgrade() {
                connections.close_timed_out();
                drop(connections);
                rounds.tick().await;
            }
        });
        connections
    }

    /// Adds a connection. If there are too many, closes the one that has been waiting longest. Otherwise silent clients
    /// could use up the limit.
    #[must_use]
    pub(crate) fn accept(self: &Rc<Self>, socket: TcpStream) -> Stream {
        // After a close, the kernel still holds what the client has not read. The sweep no longer sees that.
        #[cfg(target_os = "linux")]
        let _ = rustix::net::sockopt::set_tcp_user_timeout(
            &socket,
            u32::try_from(MAX_STALL.as_millis()).unwrap_or(u32::MAX),
        );
        let connection = Rc::new(Connection {
            number: self.number(),
            connections: Rc::downgrade(self),
            wait: Cell::new(Some(self.new_wait())),
            is_closed: Cell::new(false),
            waker: RefCell::default(),
        });
        self.open.borrow_mut().insert(connection.number, Rc::clone(&connection));
        if self.open.borrow().len() > self.max_open {
            self.close_longest_waiting();
        }
        Stream { socket, connection, is_blocked: false }
    }

    fn close_longest_waiting(&self) {
        let open = self.open.borrow();
        let longest = open
            .values()
            .filter_map(|connection| Some((connection.wait.get()?.number, connection)))
            .min_by_key(|(number, _)| *number)
            .map(|(_, connection)| Rc::clone(connection));
        drop(open);
        if let Some(connection) = longest {
            self.close(&connection);
        }
    }

    fn close_timed_out(&self) {
        let now = self.clock.now();
        let is_timed_out = |wait: Wait| wait.stalled_since.is_some_and(|since| now.since(since) > MAX_STALL);
        let timed_out: Vec<_> = self
            .open
            .borrow()
            .values()
            .filter(|connection| connection.wait.get().is_some_and(is_timed_out))
            .map(Rc::clone)
            .collect();
        for connection in timed_out {
            self.close(&connection);
        }
    }

    /// Lets the next read or write of the connection fail, upon which actix drops it.
    fn close(&self, connection: &Connection) {
        self.open.borrow_mut().remove(&connection.number);
        connection.is_closed.set(true);
        if let Some(waker) = connection.waker.take() {
            waker.wake();
        }
    }

    fn number(&self) -> u64 {
        let number = self.next_number.get();
        self.next_number.set(number.wrapping_add(1));
        number
    }

    fn new_wait(&self) -> Wait {
        Wait { number: self.number(), stalled_since: None }
    }
}

impl Connection {
    /// Records that the server works on a request.
    pub(crate) fn handle(&self) {
        self.wait.set(None);
    }

    /// Records that the server waits for the client from now on: to read the response, to send the next head, or to
    /// send the body of the request.
    pub(crate) fn wait(&self) {
        self.wait.set(self.connections.upgrade().map(|connections| connections.new_wait()));
    }

    /// Records that the client has sent a part of a head or body, or that it does not read.
    fn stall(&self) {
        if let Some(wait) = self.wait.get()
            && wait.stalled_since.is_none()
        {
            let stalled_since = self.connections.upgrade().map(|connections| connections.clock.now());
            self.wait.set(Some(Wait { stalled_since, ..wait }));
        }
    }

    /// Wraps the body of a request, so that the time until its bytes arrive counts as waiting for the client.
    pub(crate) fn watch(self: &Rc<Self>, payload: Payload) -> Payload {
        Payload::Stream { payload: Box::pin(Body { payload, connection: Rc::clone(self) }) }
    }

    /// Returns an error if the connection was closed, else keeps the task to wake.
    fn check(&self, cx: &Context<'_>) -> io::Result<()> {
        if self.is_closed.get() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let mut waker = self.waker.borrow_mut();
        match &mut *waker {
            Some(waker) => waker.clone_from(cx.waker()),
            None => *waker = Some(cx.waker().clone()),
        }
        Ok(())
    }
}

/// The socket of a connection.
pub(crate) struct Stream {
    socket: TcpStream,
    connection: Rc<Connection>,
    /// Whether the last write had to wait for the client.
    is_blocked: bool,
}

impl Stream {
    /// Returns the connection, for its requests.
    #[must_use]
    pub(crate) fn connection(&self) -> Rc<Connection> {
        Rc::clone(&self.connection)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(connections) = self.connection.connections.upgrade() {
            connections.open.borrow_mut().remove(&self.connection.number);
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.connection.check(cx)?;
        let outcome = Pin::new(&mut self.socket).poll_read(cx, buf);
        if outcome.is_ready() {
            self.connection.stall();
        }
        outcome
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.connection.check(cx)?;
        let outcome = Pin::new(&mut self.socket).poll_write(cx, buf);
        // A large response on a slow line may take longer, as long as the client reads.
        if outcome.is_ready() && self.is_blocked && self.connection.wait.get().is_some() {
            self.connection.wait();
        }
        if outcome.is_pending() {
            self.connection.stall();
        }
        self.is_blocked = outcome.is_pending();
        outcome
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

/// The body of a request.
struct Body {
    payload: Payload,
    connection: Rc<Connection>,
}

impl futures_util::Stream for Body {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let outcome = Pin::new(&mut self.payload).poll_next(cx);
        match (outcome.is_pending(), self.connection.wait.get()) {
            (true, None) => self.connection.wait(),
            (false, Some(_)) => self.connection.handle(),
            _ => {}
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // What a client has not read stays in the kernel after a close, where no code of ours can time it out.
    #[cfg(target_os = "linux")]
    #[test]
    fn tcp_user_timeout_is_set_on_connections() {
        rt::System::new().block_on(async {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            client.set_nonblocking(true).unwrap();
            let connections = Connections::start(Clock::system(), 8);
            let stream = connections.accept(TcpStream::from_std(client).unwrap());
            assert_eq!(rustix::net::sockopt::tcp_user_timeout(&stream.socket).unwrap(), 30_000);
        });
    }
}

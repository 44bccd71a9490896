//! Why a request is not served.

use crate::web::error::{Problem, TokenProblem};

pub(super) fn problem(problem: Problem) -> (&'static str, &'static str) {
    match problem {
        Problem::Malformed => (
            "The request could not be read",
            "Something in what your browser sent could not be read. Go back, reload the page and try again.",
        ),
        Problem::Unauthenticated => ("You are not signed in", "Sign in, then try again."),
        Problem::MisdirectedRequest => (
            "This is not the address of the site",
            "The address in your browser is not the one that this site uses. Open the site by its own address, or ask \
             its operator.",
        ),
        Problem::CrossOrigin => (
            "The form came from another site",
            "For your safety, this site accepts forms from its own pages only. Open the page here and try again.",
        ),
        Problem::InvalidCsrfToken => (
            "This form is out of date",
            "You may have signed in again in another window since you opened the page. Go back, reload the page and \
             try again.",
        ),
        Problem::RegistrationClosed => (
            "Registration is closed",
            "You cannot create an account here at the moment. If you need one, ask the operator of this site.",
        ),
        Problem::InvitationNeeded => (
            "Registration is by invitation",
            "You need an invitation to create an account here. Ask the operator of this site for one.",
        ),
        Problem::NotFound => ("Page not found", "The address may be mistyped, or the page may have been removed."),
        Problem::MethodNotAllowed(_) => {
            ("This address does not accept that", "The page does not take requests of this kind.")
        }
        Problem::RequestTimeout => (
            "The request took too long",
            "What your browser sent did not arrive in time. Check your connection and try again.",
        ),
        Problem::PayloadTooLarge => (
            "The request is too large",
            "What your browser sent is larger than any form of this site. Nothing was saved.",
        ),
        Problem::UnsupportedMediaType => {
            ("The request is not a form", "This address takes forms as browsers send them, and nothing else.")
        }
        Problem::MalformedJson => (
            "The request could not be read",
            "The body must be one JSON object with the members that this address takes, each once.",
        ),
        Problem::NotJson => {
            ("The request is not JSON", "Send the body as JSON, with the header Content-Type: application/json.")
        }
        Problem::Token(TokenProblem::Missing) => {
            ("A token is needed", "Send a token in the header Authorization: Bearer.")
        }
        Problem::Token(TokenProblem::Expired) => ("The token has expired", "Get a new one with the refresh token."),
        Problem::Token(TokenProblem::Invalid) => {
            ("The token is not valid", "It was not issued by this server, or it is for another purpose.")
        }
        Problem::Token(TokenProblem::Revoked) => ("The session has ended", "Sign in again."),
        Problem::NotAdmitted => {
            ("You may not use this application", "Your account lacks the role that the application asks for.")
        }
        Problem::NoSuchApp => (
            "There is no application here",
            "The reverse proxy asks for an application or a role that does not exist. Its operator can mend that.",
        ),
        Problem::HandoverInvalid => (
            "Signing in to the application did not work",
            "It took too long, or it was begun in another browser or finished before. Open the application again.",
        ),
        Problem::HandoverLoop => (
            "Signing in to the application does not end",
            "Your browser was sent to and fro, but the application still does not know you. It may refuse cookies; \
             then allow them for this site. Otherwise the operator has to look at the reverse proxy.",
        ),
        Problem::FormWithoutSession => (
            "Your form was not sent",
            "Your session had ended when you sent it. Sign in, go back in your browser to the form and send it again.",
        ),
        Problem::ExportRunning => (
            "Your data is being downloaded already",
            "Wait until the other download is complete, or cancel it, then try again.",
        ),
        Problem::LinkInvalid => (
            "This link does not work",
            "It may have been used already, or be too old, or a newer one was made. Ask the operator of this site \
             for a new link.",
        ),
        Problem::Internal => (
            "Something went wrong",
            "This is our fault, and it has been logged. Try again. If it happens again, send the request ID below to \
             the operator of this site.",
        ),
        Problem::Unavailable => {
            ("The site is not available right now", "Nothing is lost. Wait a few seconds, then try again.")
        }
        Problem::Other(_) => ("That did not work", "Go back and try again."),
    }
}

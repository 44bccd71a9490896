//! The one table of URLs: which page, by which methods, for whom. What is not marked is for the signed in only.

use actix_web::{
    FromRequest, Handler, Resource, Responder,
    http::Method,
    middleware::from_fn,
    web::{self, ServiceConfig},
};

use crate::{
    pages::{account, health, home, login, logout, register},
    web::state::App,
    web::{
        assets,
        error::Problem,
        guard::{self, Access},
    },
};

/// All pages.
#[must_use]
pub fn table() -> Vec<Route> {
    vec![
        Route::new("/").get(home::get),
        Route::new("/account").get(account::profile::get).post(account::profile::post),
        Route::new(account::password::PATH).get(account::password::get).post(account::password::post),
        Route::new(account::sessions::PATH).get(account::sessions::get),
        Route::new(account::activity::PATH).get(account::activity::get),
        Route::new("/account/export").get(account::export::get),
        Route::new(account::delete::PATH).get(account::delete::get).post(account::delete::post),
        Route::new("/account/sessions/end-others").post(account::sessions::end_others),
        Route::new("/account/sessions/{id}/end").post(account::sessions::end),
        Route::new("/.well-known/change-password").open_to_all().get(account::password::well_known),
        Route::new("/login").for_guests().get(login::get).post(login::post),
        Route::new("/register").for_guests().get(register::get).post(register::post),
        Route::new("/logout").open_to_all().post(logout::post),
        Route::new("/healthz").open_to_all().get(health::alive),
        Route::new("/readyz").open_to_all().get(health::ready),
    ]
}

/// Puts the table, the assets and the answer to everything else into place.
pub fn configure(config: &mut ServiceConfig, app: &App) {
    for route in table() {
        route.register(config);
    }
    config.service(web::scope(assets::PREFIX).wrap(from_fn(assets::keep)).service(app.assets.files()));
    config.default_service(web::to(|| async { Err::<&str, _>(Problem::NotFound) }));
}

/// One page.
pub struct Route {
    /// Its address.
    pub path: &'static str,
    /// Who may see it.
    pub access: Access,
    methods: Methods,
    resource: Resource,
}

#[derive(Debug, Clone, Copy, Default)]
struct Methods {
    get: bool,
    post: bool,
}

impl Methods {
    fn allow(self) -> &'static str {
        match (self.get, self.post) {
            (true, true) => "GET, HEAD, POST",
            (true, false) => "GET, HEAD",
            (false, true) => "POST",
            (false, false) => "",
        }
    }
}

impl Route {
    /// A page for the signed in.
    #[must_use]
    pub fn new(path: &'static str) -> Self {
        Self { path, access: Access::SignedIn, methods: Methods::default(), resource: web::resource(path) }
    }

    /// Opens it to anyone.
    #[must_use]
    pub fn open_to_all(mut self) -> Self {
        self.access = Access::Public;
        self
    }

    /// Makes it one for guests; the signed in have no business there.
    #[must_use]
    pub fn for_guests(mut self) -> Self {
        self.access = Access::Guests;
        self
    }

    /// How to show it. Serves HEAD too, as RFC 9110, 9.1 wants.
    #[must_use]
    pub fn get<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.methods.get = true;
        self.resource = self.resource.route(web::get().to(handler.clone())).route(web::head().to(handler));
        self
    }

    /// What to do with its form.
    #[must_use]
    pub fn post<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.methods.post = true;
        self.resource = self.resource.route(web::method(Method::POST).to(handler));
        self
    }

    /// Puts it into place, behind the guard.
    pub fn register(self, config: &mut ServiceConfig) {
        let (access, allow) = (self.access, self.methods.allow());
        let resource =
            self.resource.default_service(web::to(move || async move { Err::<&str, _>(Problem::Method(allow)) }));
        config.service(resource.wrap(from_fn(move |req, next| guard::enter(access, req, next))));
    }
}

use gatehouse::apps::TokenFormat;

use crate::tokens::Issuer;

// An application that knows the secret can make such tokens itself.
#[tokio::test]
async fn gatehouse_accepts_no_token_that_is_signed_with_the_secret_of_an_application() {
    for format in [TokenFormat::FlaskJwtExtended, TokenFormat::Simplejwt, TokenFormat::Praetorian] {
        let issuer = Issuer::start(Some(format)).await;
        let pair = issuer.sign_in("zoe").await;
        assert!(!issuer.accepts(&pair.access).await, "{format}");
    }
}

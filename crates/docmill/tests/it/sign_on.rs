//! Single sign-on, at an identity provider that vouches for people, and lies.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use docmill_testkit::identity::{CLIENT_ID, CLIENT_SECRET, IdentityProvider, Lie};
use serde_json::{Value, json};

use crate::program::Program;
use crate::server::{PATIENCE, Server};

/// Where browsers find the server.
const PUBLIC: &str = "https://docs.example.org";

struct Scene {
    program: Program,
    provider: IdentityProvider,
    server: Server,
}

/// What a browser holds, and where it was sent at the end.
struct Browser {
    cookies: Vec<(String, String)>,
    at: String,
}

impl Scene {
    fn new(more: &[&str]) -> Self {
        let program = Program::new();
        program.run(&["key", "add", "root", "--role", "admin"]).succeeds();
        let provider = IdentityProvider::start().unwrap();
        let issuer = provider.issuer().to_owned();
        let mut arguments = vec![
            "--public-url",
            PUBLIC,
            "--oidc-issuer",
            &issuer,
            "--oidc-client",
            CLIENT_ID,
            "--oidc-role",
            "mill-admins=admin",
            "--oidc-role",
            "mill-staff=operator",
        ];
        arguments.extend(more);
        let secret = [("DOCMILL_OIDC_CLIENT_SECRET", CLIENT_SECRET)];
        let server = Server::start_with(&program, &arguments, &secret);
        Self {
            program,
            provider,
            server,
        }
    }

    /// From the button to where the browser ends up. The server's addresses are asked for at its own
    /// port, as a proxy would.
    fn sign_in(&self, claims: Value) -> Browser {
        self.provider.vouch_for(claims);
        let mut browser = Browser::new();
        let to = browser.get(
            &self.server,
            "/api/v1/session/oidc?to=/batches/7%3Fstate%3Dfailed",
        );
        let back = self.at_provider(&to);
        browser.at = browser.get(&self.server, back.strip_prefix(PUBLIC).unwrap());
        browser
    }

    /// What the provider sends the browser to.
    fn at_provider(&self, url: &str) -> String {
        let root = format!("http://{}", self.provider.address());
        let path = url.strip_prefix(&root).unwrap_or_else(|| panic!("{url}"));
        let mut stream = TcpStream::connect(self.provider.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: idp\r\nconnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let location = answer.lines().find_map(|line| line.strip_prefix("location: "));
        location.unwrap_or_else(|| panic!("{url}: {answer}")).to_owned()
    }
}

impl Browser {
    const fn new() -> Self {
        Self {
            cookies: Vec::new(),
            at: String::new(),
        }
    }

    fn cookie(&self) -> String {
        let pairs = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    /// Asks, keeps the cookies, and says where it is sent.
    fn get(&mut self, server: &Server, path: &str) -> String {
        let cookie = self.cookie();
        let headers = [("host", "docs.example.org"), ("cookie", cookie.as_str())];
        let (status, head) = raw(server, path, &headers);
        assert_eq!(status, 303, "{path}: {head}");
        for line in head.lines() {
            let Some(cookie) = line.strip_prefix("set-cookie: ") else {
                continue;
            };
            assert!(
                cookie.contains("HttpOnly") && cookie.contains("Secure"),
                "{cookie}"
            );
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        let location = head.lines().find_map(|line| line.strip_prefix("location: "));
        location.unwrap().to_owned()
    }

    fn session(&self, server: &Server) -> Value {
        let cookie = self.cookie();
        let headers = [("host", "docs.example.org"), ("cookie", cookie.as_str())];
        let (_, body) = server.ask("GET", "/api/v1/session", "", &headers);
        serde_json::from_str(&body).unwrap()
    }
}

/// A request whose answer's head is kept as it came: tokens tell capitals apart.
fn raw(server: &Server, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut request = format!("GET {path} HTTP/1.1\r\nconnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    write!(stream, "{request}\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, _) = answer.split_once("\r\n\r\n").unwrap();
    (
        head.split_whitespace().nth(1).unwrap().parse().unwrap(),
        head.to_owned(),
    )
}

#[test]
fn who_the_provider_vouches_for_has_the_role_of_their_claim_and_it_is_written_down() {
    let scene = Scene::new(&[]);
    let nobody = Browser::new().session(&scene.server);
    assert_eq!(
        (&nobody["role"], &nobody["identity_provider"]),
        (&json!("nobody"), &json!("127.0.0.1"))
    );
    let ada = json!({"email": "ada@example.org", "email_verified": true, "groups": ["others", "mill-staff"], "level": 3.5});
    let browser = scene.sign_in(ada);
    assert_eq!(browser.at, "/batches/7?state=failed");
    let session = browser.session(&scene.server);
    assert_eq!(
        (&session["name"], &session["role"]),
        (&json!("ada@example.org"), &json!("operator")),
        "{session}"
    );
    let names: Vec<&str> = browser.cookies.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["docmill_session"], "the cookie of the sign-in is gone");
    // What the role does not hold is refused, what it does is not.
    let cookie = browser.cookie();
    let headers = [("host", "docs.example.org"), ("cookie", cookie.as_str())];
    assert_eq!(scene.server.ask("GET", "/api/v1/batches", "", &headers).0, 200);
    assert_eq!(scene.server.ask("GET", "/api/v1/keys", "", &headers).0, 403);
    let log = scene.program.run(&["audit", "list", "--json"]).succeeds().json();
    let entry = log
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["via"] == "oidc")
        .unwrap();
    assert_eq!(
        (&entry["who"], &entry["outcome"]),
        (&json!("ada@example.org"), &json!("done"))
    );
    // Signed out is signed out.
    let (status, _) = scene.server.ask(
        "DELETE",
        "/api/v1/session",
        "",
        &[headers[0], headers[1], ("origin", PUBLIC)],
    );
    assert_eq!(status, 204);
    assert_eq!(browser.session(&scene.server)["role"], "nobody");
}

#[test]
fn who_has_no_role_and_who_is_lied_about_gets_nothing() {
    let scene = Scene::new(&[]);
    let staff = json!({"email": "eve@example.org", "groups": ["mill-admins"]});
    for (lie, code) in [
        (Lie::OtherNonce, "invalid"),
        (Lie::OtherAudience, "invalid"),
        (Lie::OtherIssuer, "invalid"),
        (Lie::Expired, "invalid"),
        (Lie::OtherKey, "invalid"),
        (Lie::Unsigned, "invalid"),
    ] {
        scene.provider.lie(lie);
        let browser = scene.sign_in(staff.clone());
        assert_eq!(browser.at, format!("/?sign_in={code}"), "{lie:?}");
        assert_eq!(browser.session(&scene.server)["role"], "nobody", "{lie:?}");
    }
    scene.provider.lie(Lie::None);
    for claims in [
        json!({}),
        json!({"groups": ["mill-admin"]}),
        json!({"groups": {"mill-admins": 1}}),
    ] {
        let browser = scene.sign_in(claims.clone());
        assert_eq!(browser.at, "/?sign_in=no_role", "{claims}");
        assert_eq!(browser.session(&scene.server)["role"], "nobody");
    }
    // A new key of the provider is looked for at once.
    scene.provider.lie(Lie::NewKey);
    let browser = scene.sign_in(staff);
    assert_eq!(browser.session(&scene.server)["role"], "admin");
    // An address is not a name when nobody checked it, or the provider does not say so.
    for unchecked in [
        json!({"email": "root@example.org", "email_verified": false, "groups": ["mill-staff"]}),
        json!({"email": "root@example.org", "groups": ["mill-staff"]}),
    ] {
        assert_eq!(
            scene.sign_in(unchecked).session(&scene.server)["name"],
            "person-1"
        );
    }
    // Nor is the name of a key anybody else's.
    let named = json!({"preferred_username": "root", "groups": ["mill-staff"]});
    assert_eq!(
        scene.sign_in(named).session(&scene.server)["name"],
        "root (127.0.0.1)"
    );
}

#[test]
fn an_answer_is_good_once_and_in_the_browser_that_asked() {
    let scene = Scene::new(&[]);
    scene.provider.vouch_for(json!({"groups": ["mill-staff"]}));
    let mut browser = Browser::new();
    let to = browser.get(&scene.server, "/api/v1/session/oidc?to=//evil.example");
    let back = scene.at_provider(&to);
    let back = back.strip_prefix(PUBLIC).unwrap();
    let mut other = Browser::new();
    assert_eq!(other.get(&scene.server, back), "/?sign_in=expired");
    assert_eq!(
        browser.get(&scene.server, "/api/v1/session/oidc/callback?code=x&state=y"),
        "/?sign_in=expired"
    );
    // That ended the sign-in; begin again.
    let to = browser.get(&scene.server, "/api/v1/session/oidc?to=//evil.example");
    let back = scene.at_provider(&to);
    let back = back.strip_prefix(PUBLIC).unwrap();
    let before = browser.cookies.clone();
    assert_eq!(
        browser.get(&scene.server, back),
        "/",
        "no other server is gone to"
    );
    let mut again = Browser {
        cookies: before,
        at: String::new(),
    };
    assert_eq!(
        again.get(&scene.server, back),
        "/?sign_in=denied",
        "a code is good once"
    );
    // What the person declined is told as that.
    let mut browser = Browser::new();
    let to = browser.get(&scene.server, "/api/v1/session/oidc");
    let state = to.split("state=").nth(1).unwrap().split('&').next().unwrap();
    let path = format!("/api/v1/session/oidc/callback?error=access_denied&state={state}");
    assert_eq!(browser.get(&scene.server, &path), "/?sign_in=denied");
}

#[test]
fn without_an_identity_provider_there_is_none() {
    let program = Program::new();
    let server = Server::start(&program, &[]);
    let (status, body) = server.ask("GET", "/api/v1/session/oidc", "", &[]);
    assert_eq!(status, 404, "{body}");
    assert!(body.contains("knows no identity provider"), "{body}");
    let half = program.run(&["serve", "--oidc-issuer", "https://login.example.org"]);
    assert_eq!(half.status, 2, "{half:?}");
    assert!(half.stderr.contains("--oidc-client"), "{half:?}");
}

/// Some providers let people type any address into their profile.
#[test]
fn an_address_gives_a_role_only_when_the_provider_checked_it() {
    let scene = Scene::new(&["--oidc-claim", "email", "--oidc-role", "boss@example.org=admin"]);
    for (checked, role) in [
        (json!(null), "nobody"),
        (json!(false), "nobody"),
        (json!(true), "admin"),
    ] {
        let mut claims = json!({"email": "boss@example.org"});
        if !checked.is_null() {
            claims["email_verified"] = checked.clone();
        }
        let browser = scene.sign_in(claims);
        assert_eq!(browser.session(&scene.server)["role"], role, "{checked}");
    }
}

//! Who uses docmill: keys, sessions, the audit log.

use docmill_core::access::{Action, Role, Scope};
use docmill_core::audit::{Chain, Deed};
use docmill_core::id::ContentHash;
use docmill_core::time::Timestamp;
use docmill_store::{AuditQuery, KeyRefused, KeyRow, SessionRow, Sessions, Used};

use crate::support::{Fixture, NOW};

fn key(name: &str, role: Role) -> KeyRow {
    KeyRow {
        name: name.to_owned(),
        role,
        hash: ContentHash::of(name.as_bytes()),
        scope: Scope::default(),
        created_at: NOW,
        expires_at: None,
        used_at: None,
    }
}

fn session(token: &str, key: Option<&str>, at: Timestamp) -> SessionRow {
    SessionRow {
        hash: ContentHash::of(token.as_bytes()),
        name: key.unwrap_or("eve").to_owned(),
        key: key.map(str::to_owned),
        role: Role::Viewer,
        scope: Scope::default(),
        opened_at: at,
        used_at: at,
        key_expires_at: None,
    }
}

pub async fn the_last_lasting_admin_stays(fixture: &Fixture) {
    let store = &fixture.store;
    let limited = KeyRow {
        scope: Scope {
            actions: Some(vec![Action::Manage]),
            ..Scope::default()
        },
        ..key("lim", Role::Admin)
    };
    let ends = KeyRow {
        expires_at: Some(NOW.plus_ms(1)),
        ..key("end", Role::Admin)
    };
    for first in [key("vic", Role::Viewer), limited.clone(), ends.clone()] {
        assert_eq!(store.add_key(first).await.unwrap(), Err(KeyRefused::NeedsAdmin));
    }
    assert!(!store.has_keys().await.unwrap());
    store.add_key(key("ada", Role::Admin)).await.unwrap().unwrap();
    let again = store.add_key(key("ada", Role::Viewer)).await.unwrap();
    assert_eq!(again, Err(KeyRefused::Exists));
    for more in [limited.clone(), ends] {
        store.add_key(more).await.unwrap().unwrap();
    }
    assert_eq!(store.key_of(limited.hash).await.unwrap(), Some(limited));
    let last = store.remove_key("ada").await.unwrap();
    assert_eq!(
        last,
        Err(KeyRefused::LastAdmin),
        "those with a limit or an end do not count"
    );
    // However many try at once to remove each other: one stays.
    store.add_key(key("bob", Role::Admin)).await.unwrap().unwrap();
    let (one, other) = tokio::join!(store.remove_key("ada"), store.remove_key("bob"));
    let refused = [one.unwrap(), other.unwrap()];
    assert_eq!(refused.iter().filter(|it| it.is_err()).count(), 1, "{refused:?}");
    assert_eq!(
        store.remove_key("nobody").await.unwrap(),
        Err(KeyRefused::Missing)
    );
}

pub async fn a_session_is_what_its_key_is_now(fixture: &Fixture) {
    let store = &fixture.store;
    store.add_key(key("ada", Role::Admin)).await.unwrap().unwrap();
    let vic = KeyRow {
        expires_at: Some(NOW.plus_ms(9)),
        ..key("vic", Role::Operator)
    };
    store.add_key(vic).await.unwrap().unwrap();
    store.open_session(session("a", Some("vic"), NOW)).await.unwrap();
    store.open_session(session("b", Some("vic"), NOW)).await.unwrap();
    store.open_session(session("c", None, NOW)).await.unwrap();
    let hash = |token: &str| ContentHash::of(token.as_bytes());
    let found = store.session(hash("a")).await.unwrap().unwrap();
    assert_eq!(
        (found.role, found.key_expires_at),
        (Role::Operator, Some(NOW.plus_ms(9)))
    );
    assert_eq!(
        store.session(hash("c")).await.unwrap().unwrap().role,
        Role::Viewer
    );

    let later = NOW.plus_ms(60_000);
    let used = vec![Used::Session(hash("b")), Used::Key("vic".to_owned())];
    store.note_use(used, later).await.unwrap();
    assert_eq!(store.session(hash("b")).await.unwrap().unwrap().used_at, later);
    let keys = store.keys().await.unwrap();
    assert_eq!((keys[0].used_at, keys[1].used_at), (None, Some(later)));

    assert_eq!(store.end_sessions(Sessions::One(hash("a"))).await.unwrap(), 1);
    assert_eq!(store.session(hash("a")).await.unwrap(), None);
    // Who loses the key loses what was opened with it.
    store.remove_key("vic").await.unwrap().unwrap();
    assert_eq!(store.session(hash("b")).await.unwrap(), None);
    store.add_key(key("vic", Role::Viewer)).await.unwrap().unwrap();
    assert_eq!(
        store.session(hash("b")).await.unwrap(),
        None,
        "nor does a new one of that name bring it back"
    );
    let over = Sessions::Over {
        opened: NOW.plus_ms(1),
        used: NOW,
    };
    assert_eq!(store.end_sessions(over).await.unwrap(), 1);
    assert_eq!(store.session(hash("c")).await.unwrap(), None);
}

pub async fn the_audit_log_is_a_chain_that_is_only_added_to(fixture: &Fixture) {
    let store = &fixture.store;
    let deed = |who: &str, target: &str| Deed {
        at: NOW,
        who: who.to_owned(),
        via: "key".to_owned(),
        origin: "192.0.2.1".to_owned(),
        action: "put_batches_batch_budget".to_owned(),
        target: target.to_owned(),
        outcome: "done".to_owned(),
        before: Some("{\"budget_usd\":0.30000000000000004}".to_owned()),
        after: None,
    };
    for number in 0..20 {
        let who = if number % 2 == 0 { "ada" } else { "vic" };
        let entry = store.record(deed(who, "x")).await.unwrap();
        assert_eq!(entry.id, number + 1);
    }
    let query = AuditQuery {
        after: Some(0),
        limit: 100,
        ..AuditQuery::default()
    };
    let again = (fixture.again)();
    let all = again.audit(query.clone()).await.unwrap();
    let mut chain = Chain::default();
    all.iter().for_each(|entry| chain.follow(entry).unwrap());
    assert_eq!(chain.len(), 20);
    let newest = AuditQuery {
        before: Some(20),
        who: Some("ada".to_owned()),
        action: Some("budget".to_owned()),
        limit: 3,
        ..AuditQuery::default()
    };
    let found = store.audit(newest).await.unwrap();
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|entry| entry.deed.who == "ada" && entry.id < 20));
    assert!(found[0].id > found[1].id, "newest first");
}

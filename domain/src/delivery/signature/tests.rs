//! Known answers of the standard, and what an attacker tries.

use proptest::prelude::*;

use super::*;

/// The example that the libraries of the standard are tested with.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const SIGNED_S: i64 = 1_614_265_330;
const BODY: &str = r#"{"test": 2432232314}"#;
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

const AT: Timestamp = Timestamp::from_micros(SIGNED_S * SECOND_MICROS);

fn secret() -> Secret {
    Secret::parse(SECRET).expect("a secret")
}

fn verified(id: &str, timestamp: &str, signatures: &str, body: &str, at_s: i64) -> &'static str {
    let at = Timestamp::from_micros(at_s * SECOND_MICROS);
    verify(
        &[secret()],
        id,
        timestamp,
        signatures,
        body,
        at,
        TOLERANCE_S,
    )
    .map_or_else(Refusal::word, |()| "holds")
}

#[test]
fn the_known_answer_is_given_and_recognised() {
    assert_eq!(sign(&[secret()], ID, AT, BODY).as_deref(), Ok(SIGNATURE));
    assert_eq!(
        verified(ID, "1614265330", SIGNATURE, BODY, SIGNED_S),
        "holds"
    );
}

/// RFC 4231 §4.3: the key "Jefe".
#[test]
fn a_body_is_signed_as_rfc_4231_has_it() {
    let hex = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    let body = "what do ya want for nothing?";
    let base64 = BASE64.encode(Encoding::Hex.decode(hex).expect("digits"));
    let matches =
        |signature: &str, encoding, prefix| body_matches("Jefe", body, signature, encoding, prefix);
    assert_eq!(matches(hex, Encoding::Hex, ""), Ok(()));
    assert_eq!(matches(&hex.to_uppercase(), Encoding::Hex, ""), Ok(()));
    assert_eq!(matches(&base64, Encoding::Base64, ""), Ok(()));
    assert_eq!(
        matches(&format!("sha256={hex}"), Encoding::Hex, "sha256="),
        Ok(())
    );
    assert_eq!(
        matches(hex, Encoding::Hex, "sha256="),
        Err(Refusal::Malformed)
    );
    assert_eq!(
        matches(&hex[1..], Encoding::Hex, ""),
        Err(Refusal::Malformed)
    );
    assert_eq!(matches("zz", Encoding::Hex, ""), Err(Refusal::Malformed));
    assert_eq!(matches("", Encoding::Hex, ""), Err(Refusal::NoMatch));
    // A shortened code proves less than it seems to.
    assert_eq!(
        matches(&hex[..32], Encoding::Hex, ""),
        Err(Refusal::NoMatch)
    );
    assert_eq!(
        body_matches("jefe", body, hex, Encoding::Hex, ""),
        Err(Refusal::NoMatch)
    );
}

#[test]
fn clocks_may_differ_by_five_minutes() {
    for (at_s, expected) in [
        (SIGNED_S + 300, "holds"),
        (SIGNED_S + 301, "too_old"),
        (SIGNED_S - 300, "holds"),
        (SIGNED_S - 301, "too_new"),
        (i64::MAX / SECOND_MICROS, "too_old"),
        (i64::MIN / SECOND_MICROS, "too_new"),
    ] {
        assert_eq!(
            verified(ID, "1614265330", SIGNATURE, BODY, at_s),
            expected,
            "{at_s}"
        );
    }
}

#[test]
fn any_other_message_is_refused() {
    let now = SIGNED_S;
    let (at, later) = ("1614265330", "1614265331");
    for (id, timestamp, signatures, body, expected) in [
        ("msg_2", at, SIGNATURE, BODY, "no_match"),
        (ID, later, SIGNATURE, BODY, "no_match"),
        (ID, at, SIGNATURE, "{\"test\": 2432232315}", "no_match"),
        (ID, at, "v1,AAAA", BODY, "no_match"),
        (ID, at, "v1,", BODY, "no_match"),
        (ID, at, "", BODY, "malformed"),
        (
            ID,
            at,
            "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            BODY,
            "malformed",
        ),
        (
            ID,
            at,
            "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            BODY,
            "malformed",
        ),
        (ID, at, "v1,not base64", BODY, "malformed"),
        ("", at, SIGNATURE, BODY, "malformed"),
        ("a.b", at, SIGNATURE, BODY, "malformed"),
        ("a\nb", at, SIGNATURE, BODY, "malformed"),
        (ID, "", SIGNATURE, BODY, "malformed"),
        (ID, "+1614265330", SIGNATURE, BODY, "malformed"),
        (ID, "1614265330.0", SIGNATURE, BODY, "malformed"),
        (ID, "99999999999999999999", SIGNATURE, BODY, "malformed"),
    ] {
        let told = verified(id, timestamp, signatures, body, now);
        assert_eq!(told, expected, "{id:?} {timestamp:?} {signatures:?}");
    }
}

#[test]
fn while_secrets_are_rotated_either_holds() {
    let (old, new) = (
        Secret::new(&[1; 24]).expect("24"),
        Secret::new(&[2; 64]).expect("64"),
    );
    let both = sign(&[new, old], "msg_1", AT, "{}").expect("secrets");
    assert_eq!(both.split(' ').count(), 2);
    for byte_and_length in [(1, 24), (2, 64), (3, 24)] {
        let receiver = Secret::new(&vec![byte_and_length.0; byte_and_length.1]).expect("length");
        let holds = verify(
            &[receiver],
            "msg_1",
            "1614265330",
            &both,
            "{}",
            AT,
            TOLERANCE_S,
        );
        assert_eq!(holds.is_ok(), byte_and_length.0 != 3);
    }
    assert_eq!(
        sign(&[], "msg_1", AT, ""),
        Err(SignatureError::SecretMissing)
    );
    assert_eq!(
        sign(&[secret()], "a.1", AT, ""),
        Err(SignatureError::IdMalformed)
    );
}

#[test]
fn signatures_beyond_the_most_are_not_looked_at() {
    let far = format!("{}{SIGNATURE}", "v1,AAAA ".repeat(SIGNATURES_MAX));
    let near = format!("{}{SIGNATURE}", "v1,AAAA ".repeat(SIGNATURES_MAX - 1));
    assert_eq!(verified(ID, "1614265330", &far, BODY, SIGNED_S), "no_match");
    assert_eq!(verified(ID, "1614265330", &near, BODY, SIGNED_S), "holds");
}

#[test]
fn a_secret_has_24_to_64_bytes_and_is_not_shown() {
    for length in [0, 23, 65] {
        assert_eq!(
            Secret::new(&vec![7; length]).err(),
            Some(SignatureError::SecretMalformed)
        );
    }
    for text in [
        "",
        "whsec_",
        "whsec_MfKQ",
        "whsec_not base64 at all, but long enough for it",
    ] {
        let error = Secret::parse(text).expect_err("no secret");
        assert_eq!(error, SignatureError::SecretMalformed);
        assert!(!error.to_string().contains("MfKQ"));
    }
    assert_eq!(
        Secret::parse(&SECRET[6..])
            .expect("without the prefix")
            .reveal(),
        SECRET
    );
    assert_eq!(format!("{:?}", secret()), "Secret(…)");
}

proptest! {
    #[test]
    fn what_is_signed_holds_until_a_bit_differs(
        key in prop::collection::vec(any::<u8>(), 24..=64), id in "[!-\\-/-~]{1,40}",
        body in "\\PC*", at_s in 0..4_000_000_000_i64, other in "\\PC*", flipped in 0..32_usize,
    ) {
        let at = Timestamp::from_micros(at_s * SECOND_MICROS + 999_999);
        let secrets = [Secret::new(&key).expect("length")];
        let signature = sign(&secrets, &id, at, &body).expect("an id");
        let told = |secrets: &[Secret], body: &str, signature: &str| {
            verify(secrets, &id, &at_s.to_string(), signature, body, at, 0)
        };
        prop_assert_eq!(told(&secrets, &body, &signature), Ok(()));
        prop_assert_eq!(told(&secrets, &other, &signature).is_ok(), other == body);
        let mut code = BASE64.decode(&signature[3..]).expect("Base64");
        code[flipped] ^= 1;
        let forged = format!("v1,{}", BASE64.encode(code));
        prop_assert_eq!(told(&secrets, &body, &forged), Err(Refusal::NoMatch));
        let mut key = key.clone();
        key[flipped % 24] ^= 1;
        let others = [Secret::new(&key).expect("length")];
        prop_assert_eq!(told(&others, &body, &signature), Err(Refusal::NoMatch));
    }

    #[test]
    fn no_text_upsets_it(id in "\\PC*", timestamp in "\\PC*", signatures in "\\PC*") {
        let told = verify(&[secret()], &id, &timestamp, &signatures, "", AT, TOLERANCE_S);
        prop_assert_ne!(told, Ok(()));
        let _ = body_matches("x", "", &signatures, Encoding::Hex, "");
        let _ = Secret::parse(&signatures);
    }
}

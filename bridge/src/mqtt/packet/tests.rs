//! Packets as brokers really write them, and every way of cutting and spoiling them.

use super::*;

const BYTES_MAX: usize = 1 << 20;

fn read_all(bytes: &[u8]) -> Result<Vec<Incoming>, PacketError> {
    let mut buffer = BytesMut::from(bytes);
    let mut packets = Vec::new();
    while let Some(packet) = read(&mut buffer, BYTES_MAX)? {
        packets.push(packet);
    }
    assert!(buffer.is_empty(), "bytes left over: {buffer:?}");
    Ok(packets)
}

#[test]
fn connect_is_written_as_the_standard_draws_it() {
    let mut buffer = BytesMut::new();
    let connect = Connect {
        client_id: "b1",
        clean_start: false,
        keep_alive_seconds: 30,
        session_expiry_seconds: 3600,
        receive_maximum: 100,
        packet_bytes_max: 1 << 20,
        username: Some("u"),
        password: Some("pw"),
    };
    write_connect(&mut buffer, &connect);
    let expected = b"\x10\x23\0\x04MQTT\x05\xc0\0\x1e\x0d\x11\0\0\x0e\x10\x21\0\x64\x27\0\x10\0\0\
        \0\x02b1\0\x01u\0\x02pw";
    assert_eq!(&buffer[..], &expected[..]);
}

#[test]
fn subscribe_asks_for_qos_1() {
    let mut buffer = BytesMut::new();
    write_subscribe(&mut buffer, 1, "t/+");
    assert_eq!(&buffer[..], b"\x82\x09\0\x01\0\0\x03t/+\x01");
}

#[test]
fn a_message_written_is_the_message_read() {
    for length in [0, 1, 100, 127, 128, 16_383, 16_384, 300_000] {
        let payload = vec![b'x'; length];
        let mut buffer = BytesMut::new();
        write_publish(&mut buffer, 513, "t/a/d/b/telemetry", &payload);
        let expected = Publish {
            topic: Bytes::from_static(b"t/a/d/b/telemetry"),
            packet_id: Some(513),
            payload: payload.into(),
        };
        assert_eq!(
            read_all(&buffer),
            Ok(vec![Incoming::Publish(expected)]),
            "{length}"
        );
    }
}

#[test]
fn properties_of_a_message_are_stepped_over_whatever_they_hold() {
    let message = b"\x30\x0b\0\x01t\x05\xff\xff\xff\xff\xffhi";
    let expected = Publish {
        topic: Bytes::from_static(b"t"),
        packet_id: None,
        payload: Bytes::from_static(b"hi"),
    };
    assert_eq!(read_all(message), Ok(vec![Incoming::Publish(expected)]));
}

#[test]
fn mosquitto_connack_is_understood() {
    let bytes = b"\x20\x16\x01\x00\x13\x27\x00\x1e\x84\x80\x22\x00\x0a\x21\x00\x14\x13\x00\x3c\
        \x11\x00\x00\x0e\x10";
    let expected = ConnAck {
        session_present: true,
        packet_bytes_max: Some(2_000_000),
        receive_maximum: Some(20),
        server_keep_alive_seconds: Some(60),
        session_expiry_seconds: Some(3600),
        ..ConnAck::default()
    };
    assert_eq!(read_all(bytes), Ok(vec![Incoming::ConnAck(expected)]));
}

#[test]
fn short_and_long_forms_of_answers_are_read() {
    let bytes = b"\x40\x02\0\x07\x40\x03\0\x08\x87\x40\x04\0\x09\x10\0\xd0\0\xe0\0\xe0\x01\x8e\
        \xe0\x07\x8b\x05\x1f\0\x02no\x90\x04\0\x01\0\x01";
    let expected = vec![
        Incoming::PubAck {
            packet_id: 7,
            reason: 0,
        },
        Incoming::PubAck {
            packet_id: 8,
            reason: 0x87,
        },
        Incoming::PubAck {
            packet_id: 9,
            reason: 0x10,
        },
        Incoming::PingResp,
        Incoming::Disconnect {
            reason: 0,
            reason_text: String::new(),
        },
        Incoming::Disconnect {
            reason: 0x8e,
            reason_text: String::new(),
        },
        Incoming::Disconnect {
            reason: 0x8b,
            reason_text: "no".to_owned(),
        },
        Incoming::SubAck {
            reason: 1,
            reason_text: String::new(),
        },
    ];
    assert_eq!(read_all(bytes), Ok(expected));
}

#[test]
fn a_packet_that_arrives_byte_by_byte_is_read_once_it_is_whole() {
    let mut written = BytesMut::new();
    write_publish(&mut written, 1, "t", &[b'x'; 200]);
    write_puback(&mut written, 2);
    let mut buffer = BytesMut::new();
    let mut packets = 0;
    for byte in &written {
        buffer.put_u8(*byte);
        while read(&mut buffer, BYTES_MAX).expect("valid").is_some() {
            packets += 1;
        }
    }
    assert_eq!(packets, 2);
}

#[test]
fn limits_and_foreign_packets_are_errors() {
    let too_long = PacketError::TooLong {
        bytes: 2_097_157,
        bytes_max: BYTES_MAX,
    };
    assert_eq!(read_all(b"\x30\x80\x80\x80\x01"), Err(too_long));
    assert!(matches!(
        read_all(b"\x30\xff\xff\xff\xff\x01"),
        Err(PacketError::Malformed(_))
    ));
    assert_eq!(read_all(b"\xf0\0"), Err(PacketError::Unexpected(15)));
    assert!(matches!(
        read_all(b"\x34\x06\0\x01t\0\x01\0"),
        Err(PacketError::Malformed(_))
    ));
}

#[test]
fn spoilt_packets_are_errors_never_panics() {
    let samples: [&[u8]; 4] = [
        b"\x20\x16\x01\x00\x13\x27\x00\x1e\x84\x80\x22\x00\x0a\x21\x00\x14\x13\x00\x3c\x11\0\0\x0e\x10",
        b"\x32\x09\0\x01t\0\x01\x01\x01hi",
        b"\xe0\x07\x8b\x05\x1f\0\x02no",
        b"\x90\x04\0\x01\0\x01",
    ];
    for sample in samples {
        for place in 0..sample.len() {
            for value in 0..=255 {
                let mut spoilt = BytesMut::from(sample);
                spoilt[place] = value;
                while let Ok(Some(_)) = read(&mut spoilt, BYTES_MAX) {}
            }
        }
    }
}

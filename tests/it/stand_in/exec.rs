//! `kubectl exec`: a `WebSocket` with the streams of a program in numbered channels.
//!
//! Nothing runs: a function of the test answers, from the arguments and the whole of standard input.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha1::{Digest as _, Sha1};

use super::address::Address;
use super::http::Request;
use super::server::refuse;
use super::status::Status;
use super::store::Key;
use super::world::World;

/// What a program comes to.
pub(crate) struct Ran {
    pub(crate) out: Vec<u8>,
    pub(crate) err: Vec<u8>,
    pub(crate) code: i32,
}

/// Pod, arguments, standard input.
pub(crate) type Exec = Arc<dyn Fn(&str, &[String], &[u8]) -> Ran + Send + Sync>;

const PROTOCOL: &str = "v5.channel.k8s.io";
/// RFC 6455, section 1.3.
const HANDSHAKE: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// Channels of the protocol.
const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const RESULT: u8 = 3;
const CLOSE: u8 = 255;
/// Opcodes of RFC 6455.
const BINARY: u8 = 2;
const HANG_UP: u8 = 8;

/// Answers one `exec`.
pub(super) fn serve(world: &World, request: &Request, address: &Address, stream: &mut TcpStream) -> io::Result<()> {
    let name = address.name.as_deref().unwrap_or_default();
    let (is_there, exec) = {
        let state = world.lock();
        (state.store.get(&Key::new(address.kind, address.place(), name)).is_some(), state.exec.clone())
    };
    if !is_there {
        return refuse(stream, &Status::not_found(address.kind, name));
    }
    let asked = request.header("sec-websocket-protocol").unwrap_or_default();
    let key = request.header("sec-websocket-key").filter(|_| asked.contains(PROTOCOL));
    let (Some(key), Some(exec)) = (key, exec) else {
        return refuse(
            stream,
            &Status::bad_request("unable to upgrade: the stand-in has no program, or the protocol is another"),
        );
    };
    let accept = STANDARD.encode(Sha1::digest(format!("{key}{HANDSHAKE}")));
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: {PROTOCOL}\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    let input = if request.is_set("stdin") { read_input(stream)? } else { Vec::new() };
    let arguments = request.query.iter().filter(|(name, _)| name == "command").map(|(_, value)| value.clone());
    let ran = exec(name, &arguments.collect::<Vec<_>>(), &input);
    tell(stream, &ran)
}

fn tell(stream: &mut TcpStream, ran: &Ran) -> io::Result<()> {
    for (channel, bytes) in [(STDOUT, &ran.out), (STDERR, &ran.err)] {
        for part in bytes.chunks(16 << 10) {
            write_frame(stream, BINARY, &[&[channel], part].concat())?;
        }
    }
    let result = if ran.code == 0 {
        json!({ "metadata": {}, "status": "Success" })
    } else {
        let cause = json!({ "reason": "ExitCode", "message": ran.code.to_string() });
        json!({
            "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode", "details": { "causes": [cause] },
            "message": format!("command terminated with non-zero exit code: exit status {}", ran.code),
        })
    };
    write_frame(stream, BINARY, &[&[RESULT], result.to_string().as_bytes()].concat())?;
    // 1000: all is well.
    write_frame(stream, HANG_UP, &1000_u16.to_be_bytes())?;
    // The client closes; what it still says is for nobody.
    while read_frame(stream).is_ok_and(|(opcode, _)| opcode != HANG_UP) {}
    Ok(())
}

fn read_input(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut input = Vec::new();
    loop {
        let (opcode, content) = read_frame(stream)?;
        match (opcode, content.split_first()) {
            (HANG_UP, _) | (_, Some((&CLOSE, [STDIN]))) => return Ok(input),
            (_, Some((&STDIN, bytes))) => input.extend_from_slice(bytes),
            _ => {}
        }
    }
}

/// Opcode and content of a frame; a client masks what it sends.
fn read_frame(stream: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 2];
    stream.read_exact(&mut head)?;
    let length = match head[1] & 0x7f {
        126 => u64::from(u16::from_be_bytes(read_array(stream)?)),
        127 => u64::from_be_bytes(read_array(stream)?),
        length => u64::from(length),
    };
    let mask: [u8; 4] = if head[1] & 0x80 == 0 { [0; 4] } else { read_array(stream)? };
    let mut content = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    stream.read_exact(&mut content)?;
    content.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    Ok((head[0] & 0x0f, content))
}

fn read_array<const N: usize>(stream: &mut TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn write_frame(stream: &mut TcpStream, opcode: u8, content: &[u8]) -> io::Result<()> {
    let mut frame = vec![0x80 | opcode];
    match u16::try_from(content.len()) {
        Ok(length @ 0..126) => frame.push(u8::try_from(length).expect("below 126")),
        Ok(length) => {
            frame.push(126);
            frame.extend(length.to_be_bytes());
        }
        Err(_) => {
            frame.push(127);
            frame.extend((content.len() as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(content);
    stream.write_all(&frame)
}

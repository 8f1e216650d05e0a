//! HTTP/1.1 as far as kubectl speaks it.
//!
//! Takes in a connection; gives out requests, and writes answers: whole, or in chunks as a watch needs them. Knows no Kubernetes.
//! A whole HTTP crate would hide what the tests are about: a connection that is reset, a stream that is held open, an upgrade.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

/// A request, its body read.
pub(super) struct Request {
    pub(super) method: String,
    /// Decoded, without the query.
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

/// More than any object may hold, and less than a fault could send.
const MAX_BODY_BYTES: usize = 8 << 20;
const MAX_HEADERS: usize = 64;

impl Request {
    /// The next request of a connection; `None` when the other side has closed it.
    pub(super) fn read(stream: &mut TcpStream, rest: &mut Vec<u8>) -> io::Result<Option<Self>> {
        loop {
            if let Some((mut request, head_bytes)) = Self::parse_head(rest)? {
                rest.drain(..head_bytes);
                request.body = request.read_body(stream, rest)?;
                return Ok(Some(request));
            }
            if !read_more(stream, rest)? {
                return Ok(None);
            }
        }
    }

    fn parse_head(bytes: &[u8]) -> io::Result<Option<(Self, usize)>> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut head = httparse::Request::new(&mut headers);
        let httparse::Status::Complete(head_bytes) = head.parse(bytes).map_err(invalid)? else {
            return Ok(None);
        };
        let (path, query) = split_target(head.path.unwrap_or("/"));
        let method = head.method.unwrap_or("GET").to_owned();
        let header = |header: &httparse::Header<'_>| {
            (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).into_owned())
        };
        let headers = head.headers.iter().map(header).collect();
        Ok(Some((Self { method, path, query, headers, body: Vec::new() }, head_bytes)))
    }

    fn read_body(&self, stream: &mut TcpStream, rest: &mut Vec<u8>) -> io::Result<Vec<u8>> {
        if self.header("transfer-encoding").is_some_and(|coding| coding.contains("chunked")) {
            return read_chunks(stream, rest);
        }
        let length = self.header("content-length").map_or(Ok(0), str::parse).map_err(invalid)?;
        take(stream, rest, length)
    }

    /// A header by its name in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The value of a parameter of the query; the first of several.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether a parameter says yes.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.parameter(name).is_some_and(|value| value == "true" || value == "1")
    }
}

fn split_target(target: &str) -> (String, Vec<(String, String)>) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(&name.replace('+', " ")), decode(&value.replace('+', " ")))
    };
    (decode(path), query.split('&').filter(|pair| !pair.is_empty()).map(pair).collect())
}

/// Undoes percent-encoding.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let escaped = text.get(index + 1..index + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escaped.filter(|_| bytes[index] == b'%') {
            Some(byte) => {
                decoded.push(byte);
                index += 3;
            }
            None => {
                decoded.push(bytes[index]);
                index += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn read_chunks(stream: &mut TcpStream, rest: &mut Vec<u8>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = loop {
            if let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") {
                break take(stream, rest, end + 2)?;
            }
            if !read_more(stream, rest)? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        };
        let digits = String::from_utf8_lossy(&line);
        let digits = digits.trim().split(';').next().unwrap_or_default();
        let length = usize::from_str_radix(digits, 16).map_err(invalid)?;
        let chunk = take(stream, rest, length + 2)?;
        if length == 0 {
            return Ok(body);
        }
        body.extend_from_slice(&chunk[..length]);
    }
}

fn take(stream: &mut TcpStream, rest: &mut Vec<u8>, length: usize) -> io::Result<Vec<u8>> {
    if length > MAX_BODY_BYTES {
        return Err(invalid("the body is too large"));
    }
    while rest.len() < length {
        if !read_more(stream, rest)? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(rest.drain(..length).collect())
}

fn read_more(stream: &mut TcpStream, rest: &mut Vec<u8>) -> io::Result<bool> {
    let mut buffer = [0; 16 << 10];
    let count = stream.read(&mut buffer)?;
    rest.extend_from_slice(&buffer[..count]);
    Ok(count > 0)
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// Answers with JSON.
pub(super) fn write_json(stream: &mut TcpStream, code: u16, extra: &[(&str, String)], body: &Value) -> io::Result<()> {
    write_whole(stream, code, "application/json", extra, body.to_string().as_bytes())
}

/// Answers with a body that is there as a whole.
pub(super) fn write_whole(
    stream: &mut TcpStream,
    code: u16,
    media_type: &str,
    extra: &[(&str, String)],
    body: &[u8],
) -> io::Result<()> {
    let extra: String = extra.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let head = format!("HTTP/1.1 {code} -\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\n{extra}\r\n");
    stream.write_all(&[head.as_bytes(), body].concat())
}

/// An answer that goes on until [`Chunks::complete`].
pub(super) struct Chunks<'a> {
    stream: &'a mut TcpStream,
}

impl<'a> Chunks<'a> {
    pub(super) fn start(stream: &'a mut TcpStream, media_type: &str) -> io::Result<Self> {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nTransfer-Encoding: chunked\r\n\r\n");
        stream.write_all(head.as_bytes())?;
        Ok(Self { stream })
    }

    /// Fails when nobody listens any more.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let head = format!("{:x}\r\n", bytes.len());
        self.stream.write_all(&[head.as_bytes(), bytes, b"\r\n"].concat())
    }

    /// Whether the other side has hung up: a client says nothing while it reads an answer.
    pub(super) fn is_abandoned(&self) -> bool {
        let mut byte = [0];
        self.stream.set_nonblocking(true).is_err()
            || matches!(self.stream.peek(&mut byte), Ok(0))
            || self.stream.set_nonblocking(false).is_err()
    }

    pub(super) fn complete(self) -> io::Result<()> {
        self.stream.write_all(b"0\r\n\r\n")
    }
}

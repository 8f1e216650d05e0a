//! HTTP/1.1 as far as a registry needs it, with or without TLS.
//!
//! Takes in a connection; gives out the head of a request, then as much of its body as the test wants, and writes answers.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

/// A connection.
pub(super) trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// A request whose body was not read yet.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) method: String,
    /// Without the query.
    pub(super) path: String,
    /// Decoded.
    pub(super) query: BTreeMap<String, Vec<String>>,
    headers: BTreeMap<String, String>,
}

const MAX_HEADERS: usize = 64;

impl Head {
    /// The next request of a connection; `None` when the other side has closed it.
    pub(super) fn read(stream: &mut dyn Stream, rest: &mut Vec<u8>) -> io::Result<Option<Self>> {
        loop {
            if let Some((head, bytes)) = Self::parse(rest)? {
                rest.drain(..bytes);
                return Ok(Some(head));
            }
            if !read_more(stream, rest)? {
                return Ok(None);
            }
        }
    }

    fn parse(bytes: &[u8]) -> io::Result<Option<(Self, usize)>> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let httparse::Status::Complete(size) = request.parse(bytes).map_err(io::Error::other)? else {
            return Ok(None);
        };
        let target = request.path.unwrap_or("/");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let header = |header: &httparse::Header<'_>| {
            (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).into_owned())
        };
        let head = Self {
            method: request.method.unwrap_or_default().to_owned(),
            path: path.to_owned(),
            query: parameters(query),
            headers: request.headers.iter().map(header).collect(),
        };
        Ok(Some((head, size)))
    }

    /// A header by its name in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The first value of a parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.get(name).and_then(|values| values.first()).map(String::as_str)
    }

    /// The same without a header.
    pub(super) fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    /// How long the body is.
    pub(super) fn length(&self) -> usize {
        self.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)
    }

    /// Reads `wanted` bytes of the body, which the other side may want to be asked for.
    pub(super) fn body(&self, stream: &mut dyn Stream, rest: &mut Vec<u8>, wanted: usize) -> io::Result<Vec<u8>> {
        if self.header("expect").is_some() && rest.is_empty() && wanted > 0 {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        while rest.len() < wanted {
            if !read_more(stream, rest)? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(rest.drain(..wanted).collect())
    }
}

/// The parameters of a query or a form.
pub(super) fn parameters(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::<_, Vec<_>>::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        all.entry(name.to_owned()).or_default().push(decode(value));
    }
    all
}

fn decode(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut decoded = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let byte = u8::from_str_radix(&piece[..2], 16).expect("our own encoding");
        decoded.push(char::from(byte));
        decoded.push_str(&piece[2..]);
    }
    decoded
}

fn read_more(stream: &mut dyn Stream, rest: &mut Vec<u8>) -> io::Result<bool> {
    let mut buffer = [0; 16 << 10];
    let count = stream.read(&mut buffer)?;
    rest.extend_from_slice(&buffer[..count]);
    Ok(count > 0)
}

/// What is answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn new(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(super) fn json(mut self, body: &serde_json::Value) -> Self {
        self.body = body.to_string().into_bytes();
        self
    }

    /// The head of the answer, and so much of its body.
    pub(super) fn write_cut(&self, stream: &mut dyn Stream, size: usize) -> io::Result<()> {
        let length = self.body.len().to_string();
        let cut = Self { body: self.body[..size.min(self.body.len())].to_vec(), ..self.clone() };
        cut.with("content-length", length).write(stream, false)
    }

    /// An answer to HEAD has the length of the body and not the body.
    pub(super) fn write(&self, stream: &mut dyn Stream, is_head: bool) -> io::Result<()> {
        let headers: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = format!("content-length: {}\r\n", self.body.len());
        let length = if headers.contains("content-length") { "" } else { &length };
        let body = if is_head { &[][..] } else { &self.body };
        stream
            .write_all(&[format!("HTTP/1.1 {} -\r\n{headers}{length}\r\n", self.status).as_bytes(), body].concat())?;
        stream.flush()
    }
}

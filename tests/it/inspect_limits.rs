//! `verify` of an image whose base unpacks to more than any real one does.

use std::io::{self, Read as _};

use bootsmith::digest::{Descriptor, HashingWriter};
use bootsmith::image::{Base, BaseImage};
use bootsmith::inspect;
use bootsmith::layer::content::Content;
use bootsmith::layer::{Layer, Packed};
use flate2::{Compression, write::GzEncoder};
use oci_spec::image::ImageConfiguration;

use crate::fixture::{self, Place, write};

/// More than a small blob may unpack to; the end of a tar is zeros, however many there are.
const SIZE: u64 = 300 << 20;

fn zeros() -> impl io::Read {
    io::repeat(0).take(SIZE)
}

/// A layer whose digests are all right.
fn bomb() -> Layer {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    io::copy(&mut zeros(), &mut encoder).expect("memory");
    let blob = encoder.finish().expect("memory");
    let mut tar = HashingWriter::new(io::sink());
    io::copy(&mut zeros(), &mut tar).expect("nothing is kept");
    let packed = Packed { tar: tar.complete().1, blob: Descriptor::of(&blob) };
    Layer { role: "base".to_owned(), packed, content: Content::from(blob) }
}

#[test]
fn a_base_layer_that_unpacks_without_end_is_not_unpacked_further() {
    let place = Place::new();
    let (architecture, config) = (fixture::architecture("linux/amd64"), ImageConfiguration::default());
    let base = Base::new("bomb", None, vec![BaseImage { architecture, config, layers: vec![bomb()] }]).expect("a base");
    write(&fixture::image(&base), &place.path("out.tar"));
    let faults = inspect::verify(&place.path("out.tar")).expect("a file that can be read").faults;
    let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
    assert!(faults.iter().any(|fault| fault.ends_with("exceeds the limit of 268435456")), "{faults:?}");
}

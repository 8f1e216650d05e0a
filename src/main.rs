//! scratch
fn main() {
    let path = std::env::args().nth(1).unwrap();
    let sources = bootsmith::host::read_sources(path.as_ref()).unwrap();
    match bootsmith::pipeline::prepare(&sources, &Default::default()) {
        Ok(p) => { for (path, f) in p.payloads.values().next().unwrap().environments.iter() { println!("--- {path}\n{}", String::from_utf8_lossy(&f.bytes)); } }
        Err(bootsmith::pipeline::PrepareError::Input(d)) => print!("{}", bootsmith::cli::draw(&d, &bootsmith::cli::Texts::of(&sources), &annotate_snippets::Renderer::plain())),
        Err(e) => println!("{e:?}"),
    }
}

use std::fmt::Write;

use super::load::{self, Answer};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 40.0;
const BOTTOM: f64 = 40.0;

/// The shares that the axis names: each step is a tenth of those that are left.
const SHARES: [(f64, &str); 4] = [(0.0, "0"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %")];

const COLOURS: [&str; 2] = ["#c0392b", "#2471a3"];

/// How many answers took how long, a curve for each contender: to the right
/// the share of answers, the slow ones drawn out, upwards milliseconds. The
/// answers are sorted.
pub(super) fn svg<'a>(curves: impl Iterator<Item = (&'static str, &'a [Vec<Answer>])>) -> String {
    let curves: Vec<_> = curves.collect();
    let longest = curves
        .iter()
        .map(|(_, rounds)| ms(rounds, 0.999))
        .fold(1.0, f64::max);
    let x = |share: f64| LEFT + (WIDTH - LEFT - RIGHT) * -(1.0 - share).log10() / 3.0;
    let y = |ms: f64| (HEIGHT - BOTTOM) * (1.0 - ms / (longest * 1.05));

    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let floor = HEIGHT - BOTTOM;
    // Writing to a `String` does not fail.
    for (share, name) in SHARES {
        let at = x(share);
        let _ = writeln!(
            svg,
            "<path d=\"M{at:.1} 0V{floor}\" stroke=\"#ddd\"/>\
             <text x=\"{at:.1}\" y=\"{:.1}\">{name}</text>",
            floor + 16.0
        );
    }
    for quarter in 0..=4 {
        let value = longest * f64::from(quarter) / 4.0;
        let _ = writeln!(
            svg,
            "<path d=\"M{LEFT} {0:.1}H{WIDTH}\" stroke=\"#ddd\"/>\
             <text x=\"4\" y=\"{0:.1}\">{value:.0} ms</text>",
            y(value)
        );
    }
    for (number, ((name, rounds), colour)) in (1_u8..).zip(curves.iter().zip(COLOURS)) {
        let mut path = String::new();
        for step in 0..=300 {
            let share = 1.0 - 10_f64.powf(-f64::from(step) / 100.0);
            let word = if step == 0 { 'M' } else { 'L' };
            let _ = write!(path, "{word}{:.1} {:.1}", x(share), y(ms(rounds, share)));
        }
        let _ = writeln!(
            svg,
            "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\">collection {name}</text>",
            LEFT + 10.0,
            f64::from(number) * 18.0
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn ms(rounds: &[Vec<Answer>], share: f64) -> f64 {
    load::median(rounds, share).as_secs_f64() * 1000.0
}

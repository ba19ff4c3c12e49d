use std::fmt::Write;

use super::{load::Crowd, table::Line};

const WIDTH: f64 = 720.0;
const LEFT: f64 = 170.0;
const RIGHT: f64 = 90.0;
const BAR: f64 = 16.0;
const GROUP: f64 = 52.0;
const TOP: f64 = 40.0;

const COLOURS: [&str; 2] = ["#2471a3", "#85c1e9"];

/// How many pages a second each contender gave, on a scale where each step is ten
/// times the one before.
pub(super) fn svg(lines: &[&Line]) -> String {
    let rates = || {
        let each = lines
            .iter()
            .flat_map(|line| Crowd::ALL.map(|crowd| line.rate(crowd)));
        each.filter(|rate| rate.is_finite() && *rate > 0.0)
    };
    let most = rates().fold(10.0, f64::max).log10().ceil();
    let least = rates()
        .fold(f64::MAX, f64::min)
        .log10()
        .floor()
        .min(most - 1.0);
    let x = |rate: f64| {
        let share = (rate.max(1.0).log10() - least) / (most - least);
        LEFT + (WIDTH - LEFT - RIGHT) * share.max(0.0)
    };
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let height = TOP + lines.len() as f64 * GROUP + 30.0;
    let floor = height - 24.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    // Writing to a `String` does not fail.
    let mut power = least;
    while power <= most {
        let (at, rate) = (x(10_f64.powf(power)), 10_f64.powf(power));
        let _ = writeln!(
            svg,
            "<path d=\"M{at:.1} {TOP}V{floor}\" stroke=\"#ddd\"/>\
             <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{rate:.0}</text>",
            floor + 16.0
        );
        power += 1.0;
    }
    let mut at = LEFT;
    for (crowd, colour) in Crowd::ALL.into_iter().zip(COLOURS) {
        let _ = writeln!(
            svg,
            "<rect x=\"{at}\" y=\"12\" width=\"12\" height=\"12\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"22\">{}, pages per second</text>",
            at + 18.0,
            crowd.name()
        );
        at += 260.0;
    }
    let mut y = TOP + 8.0;
    for line in lines {
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 8.0,
            y + BAR + 4.0,
            line.contender.name()
        );
        for ((crowd, colour), top) in Crowd::ALL.into_iter().zip(COLOURS).zip([y, y + BAR]) {
            let (rate, width) = (line.rate(crowd), x(line.rate(crowd)) - LEFT);
            let _ = writeln!(
                svg,
                "<rect x=\"{LEFT}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\" \
                 fill=\"{colour}\"/><text x=\"{:.1}\" y=\"{:.1}\">{rate:.0}</text>",
                BAR - 2.0,
                LEFT + width + 6.0,
                top + 11.0
            );
        }
        y += GROUP;
    }
    svg.push_str("</svg>\n");
    svg
}

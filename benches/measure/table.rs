//! The one table, as Markdown.

use std::{fmt, time::Duration};

/// A bound that a figure is held to.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    AtLeast(f64),
    AtMost(f64),
    /// For comparison only.
    None,
}

impl Goal {
    fn is_met(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(bound) => figure >= bound,
            Self::AtMost(bound) => figure <= bound,
            Self::None => true,
        }
    }
}

#[derive(Debug)]
struct Row {
    what: String,
    ours: String,
    beside: String,
    figure: f64,
    unit: &'static str,
    goal: Goal,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Table(Vec<Row>);

impl Table {
    /// Adds a row: what was measured, ours, what stands beside it, and the figure that the goal is for.
    pub fn add(
        &mut self,
        what: impl Into<String>,
        ours: impl Into<String>,
        beside: impl Into<String>,
        (figure, unit): (f64, &'static str),
        goal: Goal,
    ) {
        let row = Row { what: what.into(), ours: ours.into(), beside: beside.into(), figure, unit, goal };
        eprintln!("{row}");
        self.0.push(row);
    }

    /// Whether every goal is met.
    pub fn holds(&self) -> bool {
        self.0.iter().all(|row| row.goal.is_met(row.figure))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, ours, beside, figure, unit, goal } = self;
        let digits = if *figure >= 100.0 { 0 } else { 2 };
        write!(f, "| {what} | {ours} | {beside} | {figure:.digits$}{unit} | ")?;
        match goal {
            Goal::AtLeast(bound) => write!(f, "≥ {bound}{unit}")?,
            Goal::AtMost(bound) => write!(f, "≤ {bound}{unit}")?,
            Goal::None => return write!(f, "| |"),
        }
        write!(f, " | {} |", if goal.is_met(*figure) { "yes" } else { "**no**" })
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | Gatehouse | beside it | figure | goal | met |")?;
        writeln!(f, "|---|---|---|---|---|---|")?;
        self.0.iter().try_for_each(|row| writeln!(f, "{row}"))
    }
}

/// The middle one; of an even number, the lower of the two.
pub fn median<T: Copy + PartialOrd>(mut values: Vec<T>) -> T {
    values.sort_by(|one, other| one.partial_cmp(other).expect("no figure is NaN"));
    values[(values.len() - 1) / 2]
}

pub fn milliseconds(span: Duration) -> String {
    format!("{:.1} ms", span.as_secs_f64() * 1e3)
}

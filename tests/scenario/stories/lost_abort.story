story: The ABORT is lost: the participants ask, and hear that it was aborted
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

plan p1 100.00 of li at care
expect p1 done
lose every abort from care to east
lose every core from care to home
settle s1 100.00 of li at care by plan p1
expect s1 refused HOME_UNREACHABLE within 30s
expect east holds 70.00
let core pass from care to home
expect first try of s1 ABORTED at east within 60s
let abort pass from care to east
expect wang can spend 500.00

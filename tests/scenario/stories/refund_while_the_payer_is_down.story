story: A refund needs a province that is down: refused for now, nothing is lost, and later it comes out
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

settle s1 100.00 of li at care
expect s1 done
expect everything decided
crash east
refund r1 50.00 of s1
expect r1 refused TIMED_OUT
restart east
wait 1s
refund r2 50.00 of s1
expect r2 done
expect r2 says remaining 50.00
expect wang has 480.00

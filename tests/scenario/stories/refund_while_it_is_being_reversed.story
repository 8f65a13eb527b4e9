story: A refund comes while a reversal waits for a province: it is refused, and the reversal ends alone
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

settle s1 100.00 of li at care
expect s1 done
expect everything decided
crash east
reverse s1 as v1
expect reversal of s1 reversing
refund r1 10.00 of s1
expect r1 refused BUSY
restart east
expect reversal of s1 reversed
expect li has 30.00
expect wang has 500.00

story: A settlement of yesterday is refunded today: the refund's day is today's
given provinces care, home, east
given time 23:59:58
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

settle s1 100.00 of li at care
expect s1 done
expect s1 says business_date 2026-11-18
wait 3s
refund r1 40.00 of s1
expect r1 says business_date 2026-11-19
expect wang has 470.00

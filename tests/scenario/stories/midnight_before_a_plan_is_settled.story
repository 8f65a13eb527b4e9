story: A plan of yesterday is settled after midnight: it is made again for the new day
given provinces care, home, east
given time 23:59:58
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

plan p1 100.00 of li at care
expect p1 done
wait 3s
settle s1 100.00 of li at care by plan p1
expect s1 done
expect s1 says business_date 2026-11-19
expect wang has 430.00
